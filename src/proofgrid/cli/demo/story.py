"""The demo, step by step, on a network that is really there.

gateway -> people and money -> provers -> programs -> all requests at once -> bundles verified elsewhere -> the books
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from proofgrid.cli.demo.books import Books, read_books
from proofgrid.cli.demo.every import Offer
from proofgrid.cli.demo.processes import Fleet
from proofgrid.cli.demo.request import Proven, Request
from proofgrid.cli.demo.subject import Subject
from proofgrid.cli.demo.telling import Telling
from proofgrid.cli.demo.verified import read_verified
from proofgrid.cli.demo.wrap_keys import bring_wrap_keys
from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import BadBundle
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import BASE_UNITS_PER_TOKEN, format_amount, format_price
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.client import Client
from proofgrid.sdk.event import Event
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import load_settings
from proofgrid.settings.gateway import network_key_path

LIMIT_PRICE = 1_500
DEPOSIT = BASE_UNITS_PER_TOKEN
PROVERS_TIMEOUT_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.2
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo has shown."""

    proven: Sequence[Proven]
    books: Books

    @property
    def faults(self) -> list[str]:
        """What does not hold; empty when all is well."""
        return [*self.books.faults, *(fault for one in self.proven for fault in one.faults)]


class Story:
    """One run of the demo."""

    def __init__(
        self,
        fleet: Fleet,
        telling: Telling,
        *,
        folder: Path,
        network: Path,
        subjects: Sequence[Subject],
        offers: Sequence[Offer],
        on_pages: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._fleet = fleet
        self._telling = telling
        self._folder = folder
        self._network = network
        self._offers = offers
        self._requests = [
            Request(subject=one, place=folder / "programs" / one.name, bundle=folder / one.bundle_name)
            for one in subjects
        ]
        self._keys: dict[str, SigningKey] = {}
        self._on_pages = on_pages
        self.pages = ""  #: where a browser finds the gateway
        self._gateway = ""
        self._network_address = ""

    async def tell(self) -> Outcome:
        """Run the steps; raises the first error."""
        telling = self._telling
        async with telling.step("A gateway with its own PostgreSQL"):
            await self._start_gateway()
        async with telling.step("People, their keys, and money"):
            await self._let_people_in()
        async with telling.step(f"{_NUMBERS[len(self._offers)]} provers of two operators"):
            await self._start_provers()
        for request in self._requests:
            async with telling.step(f"The program: {request.subject.title}"):
                await self._register(request)
        async with telling.step(self._what_is_asked()):
            await self._prove()
        async with telling.step(f"The bundle{'s' * self._are_many}, verified offline in another process"):
            proven = [await self._verify(request) for request in self._requests]
        async with telling.step("The books"):
            books = await self._read_books(proven)
        return Outcome(proven=proven, books=books)

    @property
    def _are_many(self) -> bool:
        return len(self._requests) > 1

    def _what_is_asked(self) -> str:
        return f"{_NUMBERS[len(self._requests)]} requests at once" if self._are_many else self._requests[0].subject.what

    # --- the steps -------------------------------------------------------------------------------

    async def _start_gateway(self) -> None:
        flags = ("--data-dir", str(self._network), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
        ready = await self._fleet.start_gateway(*flags)
        self._gateway, self._network_address = ready.address, ready.network
        self._keys["network"] = read_key(
            network_key_path(self._network), password=load_settings(ClientSettings).key_password or None
        )
        self._telling.tell(f"listening at {self._gateway}; the network's key is {self._network_address}")
        self.pages = ready.pages
        self._telling.tell(f"pages for your browser: {self.pages}", style="bold")
        self._on_pages(self.pages)
        if ready.srs_for_development:
            self._telling.tell("its SRS is made here when a program needs it, for development only", style="yellow")

    async def _let_people_in(self) -> None:
        for name in ("carol", "alice", "bob"):
            key = self._keys[name] = new_key()
            write_key(key, self._folder / f"{name}.key")
            self._telling.people[key.address] = name
            role = "client" if name == "carol" else "operator"
            async with self._client("network") as network:
                await network.admin.grant(key.address, role, label=name)
            self._telling.tell(f"{name:<6} {role:<9} {key.address}")
        async with self._client("network") as network:
            await network.admin.deposit(self._keys["carol"].address, DEPOSIT, deposit_id="demo")
        self._telling.tell(f"carol gets {format_amount(DEPOSIT)} token")

    async def _start_provers(self) -> None:
        for offer in self._offers:
            await self._fleet.start_prover(
                offer.name,
                *("--gateway", self._gateway, "--network", self._network_address),
                *("--key", str(self._folder / f"{offer.operator}.key"), "--name", offer.name, "--ask", str(offer.ask)),
                *("--cores", "1", "--data-dir", str(self._network)),
                *(("--proof-systems", ",".join(offer.systems)) if offer.systems else ()),
            )
            systems = f", proves {' and '.join(offer.systems)}" if offer.systems else ""
            self._telling.tell(
                f"{offer.operator}/{offer.name}".ljust(15)
                + f"one core{systems}, asks at least {format_price(offer.ask)} per million PU"
            )
        async with self._client("carol") as client, asyncio.timeout(PROVERS_TIMEOUT_SECONDS):
            while len((await client.status()).provers) < len(self._offers):  # noqa: ASYNC110  # another process's state
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _register(self, request: Request) -> None:
        def on_stage(stage: str, permille: int) -> None:
            if stage != "done":  # of the build; it is stored after that
                self._telling.stage(stage.partition(" ")[0])  # not slice by slice

        subject = request.subject
        request.place.parent.mkdir(exist_ok=True)
        await asyncio.to_thread(subject.prepare, request.place)
        if subject.wrap_parts:
            await bring_wrap_keys(request.place, subject.wrap_parts, self._fleet, self._telling)
        source = await asyncio.to_thread(subject.source, request.place)
        async with self._client("carol") as client:
            program = await client.register_program(
                source,
                proof_system=subject.system,
                settings=subject.settings,
                label=subject.name,
                on_stage=on_stage,
            )
        request.program = program
        self._telling.tell(program.digest)
        slices = "1 slice" if program.slices == 1 else f"{program.slices} slices"
        self._telling.tell(f"{slices}, {program.units} PU")

    async def _prove(self) -> None:
        for request in self._requests:
            if self._are_many:
                self._telling.tell(f"{request.subject.name:<14} {request.subject.what}")
            else:
                for line in request.subject.drawn():
                    self._telling.tell("   " + line)
        self._telling.tell("")
        async with self._client("carol") as client:
            with self._telling.screen(self._requests) as show:
                async with asyncio.TaskGroup() as group:
                    for request in self._requests:
                        group.create_task(self._follow(client, request, show))

    async def _follow(self, client: Client, request: Request, show: Callable[[Request, Event], None]) -> None:
        """Ask for a request's proof, show what becomes of it, and fetch its bundle."""
        task = await client.submit(
            request.program.digest,
            request.subject.inputs(),
            limit_price=LIMIT_PRICE,
            aggregate=request.subject.wrap_parts > 0,
            idempotency_key=f"demo {request.subject.name}",
        )
        async with aclosing(client.watch(task.task_id)) as events:
            async for event in events:
                request.take(event)
                show(request, event)
        task = await client.task(task.task_id)
        if task.state != "done":
            hint = f"the logs in {self._folder} tell more"
            raise error_of_code(task.failure_code, f"the task {task.state}: {task.failure_detail}", hint=hint)
        await client.fetch_result(task.task_id, request.bundle)

    async def _verify(self, request: Request) -> Proven:
        pins = ("--program", request.program.digest, "--network", self._network_address)
        code, out, err = await self._fleet.run("verify", str(request.bundle), *pins, "--json")
        if code != 0:
            raise BadBundle(f"`proofgrid verify` says no: {out or err}")
        verified = read_verified(out)
        if self._are_many:
            self._telling.tell(f"{request.subject.name}, {request.bundle.stat().st_size >> 10} KiB:")
        for check in verified.checks:
            if not self._are_many or check.startswith("proofs:"):
                self._telling.tell(f"✓ {check}", style="green")
        return Proven(
            request=request,
            verified=verified,
            judged=await asyncio.to_thread(request.subject.judged, verified),
            verify_command=_command_to_copy("verify", request.bundle, *pins),
        )

    async def _read_books(self, proven: Sequence[Proven]) -> Books:
        operators = {name: self._keys[name].address for name in ("alice", "bob")}
        jobs = [job for one in proven for job in one.jobs]
        async with self._client("network") as network:
            books = await read_books(network, Address(self._keys["carol"].address), operators, jobs, deposited=DEPOSIT)
        rows = [(who, what, format_amount(amount)) for who, what, amount in books.lines()]
        self._telling.table(("who", "", "tokens>"), rows)
        return books

    def _client(self, who: str) -> Client:
        return Client(self._gateway, self._keys[who], network=self._network_address, patience_seconds=10.0)


def _command_to_copy(verb: str, file: Path, *rest: str) -> str:
    """Return a command that works where the reader stands: the environment of `make demo` is not on the path."""
    beside = Path(sys.executable).parent / "proofgrid"
    program = "proofgrid" if shutil.which("proofgrid") or not beside.exists() else os.path.relpath(beside)
    return " ".join((program, verb, os.path.relpath(file), *rest))
