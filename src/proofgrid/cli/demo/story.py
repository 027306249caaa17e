"""The demo, step by step, on a network that is really there.

gateway -> people and money -> provers -> program -> its subject proven -> bundle verified elsewhere -> the books
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from proofgrid.cli.demo.books import Books, read_books
from proofgrid.cli.demo.processes import Fleet
from proofgrid.cli.demo.subject import Judged, Subject
from proofgrid.cli.demo.telling import Telling
from proofgrid.cli.demo.verified import Verified, read_verified
from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import BadBundle
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import BASE_UNITS_PER_TOKEN, format_amount, format_price
from proofgrid.primitives.signatures import SigningKey
from proofgrid.sdk.answers.work import Program
from proofgrid.sdk.client import Client
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings.gateway import network_key_path

LIMIT_PRICE = 1_500
DEPOSIT = BASE_UNITS_PER_TOKEN
PROVERS = (("alice", "alice-1", 700), ("alice", "alice-2", 800), ("bob", "bob-1", 900))  #: operator, name, ask
PROVERS_TIMEOUT_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the demo has shown."""

    judged: Judged
    bundle: Path
    verify_command: str
    verified: Verified
    books: Books

    @property
    def faults(self) -> list[str]:
        """What does not hold; empty when all is well."""
        return [*self.books.faults, *self.judged.faults]


class Story:
    """One run of the demo."""

    def __init__(
        self,
        fleet: Fleet,
        telling: Telling,
        *,
        folder: Path,
        network: Path,
        subject: Subject,
    ) -> None:
        self._fleet = fleet
        self._telling = telling
        self._folder = folder
        self._network = network
        self._subject = subject
        self._bundle = folder / subject.bundle_name
        self._keys: dict[str, SigningKey] = {}
        self._gateway = ""
        self._network_address = ""

    async def tell(self) -> Outcome:
        """Run the steps; raises the first error."""
        telling = self._telling
        async with telling.step("A gateway with its own PostgreSQL"):
            await self._start_gateway()
        async with telling.step("People, their keys, and money"):
            await self._let_people_in()
        async with telling.step("Three provers of two operators"):
            await self._start_provers()
        async with telling.step(f"The program: {self._subject.title}"):
            program = await self._register()
        async with telling.step(self._subject.what):
            await self._prove(program)
        async with telling.step("The bundle, verified offline in another process"):
            verified = await self._verify(program)
        async with telling.step("The books"):
            books = await self._read_books(verified)
        return Outcome(
            judged=await asyncio.to_thread(self._subject.judged, verified),
            bundle=self._bundle,
            verify_command=_command_to_copy("verify", self._bundle, *self._pins(program)),
            verified=verified,
            books=books,
        )

    # --- the steps -------------------------------------------------------------------------------

    async def _start_gateway(self) -> None:
        flags = ("--data-dir", str(self._network), "--listen", "127.0.0.1:0")
        ready = await self._fleet.start_gateway(*flags)
        self._gateway, self._network_address = ready.address, ready.network
        self._keys["network"] = read_key(network_key_path(self._network))
        self._telling.tell(f"listening at {self._gateway}; the network's key is {self._network_address}")
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
        for operator, name, ask in PROVERS:
            await self._fleet.start_prover(
                name,
                *("--gateway", self._gateway, "--network", self._network_address),
                *("--key", str(self._folder / f"{operator}.key"), "--name", name, "--ask", str(ask)),
                *("--cores", "1", "--data-dir", str(self._network)),
            )
            self._telling.tell(
                f"{operator}/{name}".ljust(15) + f"one core, asks at least {format_price(ask)} per million PU"
            )
        async with self._client("carol") as client, asyncio.timeout(PROVERS_TIMEOUT_SECONDS):
            while len((await client.status()).provers) < len(PROVERS):  # noqa: ASYNC110  # another process's state
                await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _register(self) -> Program:
        def on_stage(stage: str, permille: int) -> None:
            if stage != "done":  # of the build; it is stored after that
                self._telling.stage(stage.partition(" ")[0])  # not slice by slice

        source = await asyncio.to_thread(self._subject.source, self._folder)
        async with self._client("carol") as client:
            program = await client.register_program(
                source,
                proof_system=self._subject.system,
                settings=self._subject.settings,
                label=self._subject.name,
                on_stage=on_stage,
            )
        self._telling.tell(program.digest)
        slices = "1 slice" if program.slices == 1 else f"{program.slices} slices"
        self._telling.tell(f"{slices}, {program.units} PU")
        return program

    async def _prove(self, program: Program) -> None:
        for line in self._subject.drawn():
            self._telling.tell("   " + line)
        self._telling.tell("")
        async with self._client("carol") as client:
            task = await client.submit(
                program.digest, self._subject.inputs(), limit_price=LIMIT_PRICE, idempotency_key="demo"
            )
            with self._telling.screen() as screen:
                async with aclosing(client.watch(task.task_id)) as events:
                    async for event in events:
                        if screen is not None:
                            screen.show(event)
            task = await client.task(task.task_id)
            if task.state != "done":
                hint = f"the logs in {self._folder} tell more"
                raise error_of_code(task.failure_code, f"the task {task.state}: {task.failure_detail}", hint=hint)
            await client.fetch_result(task.task_id, self._bundle)

    async def _verify(self, program: Program) -> Verified:
        code, out, err = await self._fleet.run("verify", str(self._bundle), *self._pins(program), "--json")
        if code != 0:
            raise BadBundle(f"`proofgrid verify` says no: {out or err}")
        verified = read_verified(out)
        for check in verified.checks:
            self._telling.tell(f"✓ {check}", style="green")
        return verified

    def _pins(self, program: Program) -> tuple[str, ...]:
        return ("--program", program.digest, "--network", self._network_address)

    async def _read_books(self, verified: Verified) -> Books:
        operators = {name: self._keys[name].address for name in ("alice", "bob")}
        async with self._client("network") as network:
            books = await read_books(
                network, Address(self._keys["carol"].address), operators, verified.jobs, deposited=DEPOSIT
            )
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
