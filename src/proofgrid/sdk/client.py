"""The client's view of a network: register a program, submit inputs, watch, fetch the bundle, verify it yourself.

async with Client("grpcs://gateway.example:7400", key) as client:
    program = await client.register_program("model.onnx")
    task = await client.submit(program.digest, [pixels], limit_price=1_500)
    async for event in client.watch(task.task_id):
        print(event.sentence())
    await client.fetch_result(task.task_id, Path("answer.bundle"))
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.digests import Digest, parse_digest
from proofgrid.primitives.error_codes import error_of_code
from proofgrid.primitives.errors import ProofgridError, Recoverable, Unavailable
from proofgrid.primitives.pages import Page
from proofgrid.primitives.signatures import Signer
from proofgrid.proofs.bundles.bundle import BundleReport, verify_bundle
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.sdk import names
from proofgrid.sdk.accounts import Accounts
from proofgrid.sdk.admin import Admin
from proofgrid.sdk.answers.quotes import FirmQuote, Quote
from proofgrid.sdk.answers.reading import parsed, read, read_page
from proofgrid.sdk.answers.work import Program, Task
from proofgrid.sdk.api_keys import ApiKeys
from proofgrid.sdk.bonds import Bonds
from proofgrid.sdk.connection import Connection, OnBusy
from proofgrid.sdk.deliveries import Deliveries
from proofgrid.sdk.engines import Engines
from proofgrid.sdk.event import Event
from proofgrid.sdk.inputs import inputs_json, quote_request
from proofgrid.sdk.looks import Looks
from proofgrid.sdk.own_tasks import OwnTasks
from proofgrid.sdk.ownership import Ownership
from proofgrid.sdk.sealing import Sealing
from proofgrid.sdk.terms import AllTerms
from proofgrid.sdk.transfer import OnBytes, download_file, upload_file
from proofgrid.sdk.vaults import Vaults
from proofgrid.sdk.webhooks import Webhooks
from proofgrid.wire.codec.requests import write_constraints, write_ladder
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import quotes_pb2 as quote_messages

ENDED_STATES = frozenset({"done", "failed", "cancelled"})

OnStage = Callable[[str, int], None]  #: (stage, share done in 1/1000)


@dataclass(frozen=True, slots=True)
class Proven:
    """A finished task, and its bundle as it was verified here."""

    task: Task
    path: Path
    digest: Digest
    report: BundleReport


class Client(Accounts, Looks, OwnTasks):
    """A client of one network, through any of its gateways (a list, or text with commas).

    `key`: the client's own, or the text of an API key (`pgk_…`), which may do what its scopes say.

    Lost connections are tried again for `patience_seconds`, at the other gateways first; refusals are raised.
    A submission that a gateway is too busy for (PG-429) waits as it was told and is made again, with its idempotency
    key, for `busy_seconds`: by default as long, 0 raises Busy at once. `on_busy` is told whenever one waits.
    """

    def __init__(
        self,
        gateways: str | Sequence[str],
        key: Signer | str,
        *,
        network: str | None = None,
        ca_file: Path | None = None,
        patience_seconds: float = 60.0,
        busy_seconds: float | None = None,
        on_busy: OnBusy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.connection = Connection(
            gateways,
            key,
            network=network,
            ca_file=ca_file,
            patience_seconds=patience_seconds,
            busy_seconds=busy_seconds,
            on_busy=on_busy,
            clock=clock,
        )
        self.api_keys = ApiKeys(self.connection)
        self.webhooks = Webhooks(self.connection)
        self.ownership = Ownership(self.connection, self._whole_digest)  #: for owners of programs
        self.sealing = Sealing(self.connection, self.program)  #: for inputs that nobody between reads
        self.deliveries = Deliveries(self.connection)  #: proofs that are brought to contracts
        self.bonds = Bonds(self.connection)  #: for operators
        self.vaults = Vaults(self.connection)  #: money over a chain
        self.admin = Admin(self.connection)  #: for administrators
        self.engines = Engines(self.connection)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    async def register_program(
        self,
        source: Mapping[str, Path],
        *,
        proof_system: str = "ezkl",
        settings: Mapping[str, object] | None = None,
        label: str = "",
        on_stage: OnStage | None = None,
        on_bytes: OnBytes | None = None,
    ) -> Program:
        """Upload a program's files by name (ezkl: {"model": path}) and have the network build it."""
        digests = {}
        for name, path in source.items():
            digests[name] = await upload_file(self.connection, path, on_bytes=on_bytes)
        request = messages.RegisterProgramRequest(
            proof_system=proof_system, source=digests, settings_json=json.dumps(settings or {}), label=label
        )
        return await self.connection.patiently(lambda: self._build(request, on_stage), on=(Unavailable,))

    async def _build(self, request: messages.RegisterProgramRequest, on_stage: OnStage | None) -> Program:
        async for event in self.connection.stream(lambda services: services.client.RegisterProgram, request):
            if event.WhichOneof("event") == "program":
                return read(Program, event.program)
            if on_stage is not None:
                on_stage(event.progress.stage, event.progress.permille)
        raise ProofgridError("the gateway ended the registration without a program")

    async def submit(
        self,
        program_digest: str,
        inputs: Sequence[object],
        *,
        limit_price: int = 0,
        budget: int = 0,
        deadline_ms: int = 0,
        idempotency_key: str | None = None,
        allow_cached: bool = False,
        hedging: bool = True,
        aggregate: bool = False,
        ladder: Ladder | None = None,
        constraints: Constraints = NO_CONSTRAINTS,
        subnetwork: str = "",
        quote_id: str = "",
        tags: Sequence[str] = (),
    ) -> Task:
        """Submit a request: one proof per element of `inputs`, all in one bundle, or one of all with `aggregate`.

        For ezkl an element is {name: tensor}, or a bare tensor, as lists or arrays; `sdk.inputs` reads them from files.

        The idempotency key makes trying again safe: the same key is the same task, paid once. With `allow_cached` a
        finished task of yours with the same program and inputs is returned instead of a new one, and costs nothing.
        With `hedging` a job that takes much longer than usual is given to a second operator as well. The first proof
        is paid, the other one's work in part; a job never costs more than the limit price times its units. With a
        `ladder` the limit price rises while nobody sells; its last price is put in escrow. Only provers that meet the
        `constraints` get the jobs; the fewer there are, the longer it may take. A `subnetwork` has lanes and provers
        of its own; you must be on its list. With the `quote_id` of a firm quote that you bought, its cost and time are
        promised, and there is no limit price. Without a quote and without a limit price the limit is 20% above what the
        market says now, within the budget and your account; the task that comes back has it. By its `tags` (`nightly`,
        `env=prod`; eight at most) you find it again.
        """
        request = messages.SubmitRequest(
            program_digest=await self._whole_digest(program_digest),
            inputs_json=inputs_json(inputs),
            limit_price=limit_price,
            budget=budget,
            deadline_ms=deadline_ms,
            idempotency_key=idempotency_key or fresh_bytes(16).hex(),
            allow_cached=allow_cached,
            hedging=hedging,
            aggregate=aggregate,
            ladder=write_ladder(ladder),
            constraints=write_constraints(constraints),
            subnetwork=subnetwork,
            quote_id=quote_id,
            tags=tags,
        )
        return read(Task, await self.connection.ask_in_turn(lambda services: services.client.Submit, request))

    async def quote(
        self,
        program_digest: str,
        inputs: Sequence[object],
        *,
        hold_ms: int = 0,
        constraints: Constraints = NO_CONSTRAINTS,
        subnetwork: str = "",
        aggregate: bool = False,
    ) -> Quote:
        """Return what a request would cost now, which limits sold how often, and how long it would take.

        `firm` has the terms on which provers would promise it for `hold_ms`, if they do; `buy_quote` buys that.
        Everything is checked as in `submit`; nothing is stored, sold or promised.
        """
        request = quote_request(await self._whole_digest(program_digest), inputs, hold_ms, aggregate)
        request.subnetwork = subnetwork
        if (demanded := write_constraints(constraints)) is not None:
            request.constraints.CopyFrom(demanded)
        return read(Quote, await self.connection.ask(lambda services: services.quotes.GetQuote, request))

    async def buy_quote(
        self,
        program_digest: str,
        inputs: Sequence[object],
        *,
        hold_ms: int = 0,
        cost_max: int = 0,
        aggregate: bool = False,
        idempotency_key: str | None = None,
    ) -> FirmQuote:
        """Buy a firm quote: for `hold_ms` provers hold cost, time and slots for as many inputs of the program.

        Inputs are examples: submit what you want with its `quote_id`, and `aggregate` as here. Cost and premium are
        taken at once; the cost comes back when it is not used, and with a penalty when the bundle is not there in time.
        With `cost_max` nothing is bought that costs more, premium included. Raises NoFirmQuote when none is sold now.
        """
        request = quote_messages.BuyQuoteRequest(
            request=quote_request(await self._whole_digest(program_digest), inputs, hold_ms, aggregate),
            cost_max=cost_max,
            idempotency_key=idempotency_key or fresh_bytes(16).hex(),
        )
        return read(FirmQuote, await self.connection.ask(lambda services: services.quotes.BuyQuote, request))

    async def quotes(self, *, limit: int = 100, cursor: str = "") -> Page[FirmQuote]:
        """Return a page of the firm quotes that you bought, newest first."""
        request = quote_messages.ListQuotesRequest(limit=limit, cursor=cursor)
        answer = await self.connection.ask(lambda services: services.quotes.ListQuotes, request)
        return read_page(FirmQuote, answer.quotes, answer.next_cursor)

    async def prove(
        self,
        program_digest: str,
        inputs: Sequence[object],
        path: Path,
        **terms: Unpack[AllTerms],
    ) -> Proven:
        """Submit, wait, download the bundle to `path` and verify it here; whatever dies on the way, it is paid once.

        `terms`: as `submit` takes them. With an `idempotency_key` of your own, a program that was restarted goes on
        where it was. Raises the error that the task ended with, and BadBundle or BadProof when what came does not prove
        what was asked.
        """
        program_digest = await self._whole_digest(program_digest)
        task = await self.submit(program_digest, inputs, **terms)
        task = await self.wait(task.task_id)
        if task.state != "done":
            raise error_of_code(task.failure_code, task.failure_detail)
        digest = await self.fetch_result(task.task_id, path)
        network = await self.connection.network()
        with tempfile.TemporaryDirectory() as workdir:
            report = await asyncio.to_thread(
                verify_bundle, path, expect_program=program_digest, expect_network=network, workdir=Path(workdir)
            )
        return Proven(task, path, digest, report)

    async def watch(self, task_id: str, *, cursor: int = 0) -> AsyncGenerator[Event, None]:
        """Yield every event of a task after `cursor` once, in order, until it ends; survives lost connections."""
        task_id = await self._whole_task_id(task_id)
        backoff = self.connection.backoff()
        ended = False
        while not ended:
            request = messages.WatchTaskRequest(task_id=task_id, cursor=cursor)
            try:
                async for message in self.connection.stream(lambda services: services.client.WatchTask, request):
                    backoff.reset()
                    cursor = message.cursor
                    ended = ended or message.kind in ENDED_STATES
                    yield Event(message.cursor, message.kind, message.at_ms, parsed(message.data_json))
                return
            except Recoverable as error:
                await backoff.wait(error)

    async def wait(self, task_id: str) -> Task:
        """Wait until a task has ended and return it."""
        task_id = await self._whole_task_id(task_id)  # once: a task that comes meanwhile may begin so too
        async for _ in self.watch(task_id):
            pass
        return await self.task(task_id)

    async def task(self, task_id: str) -> Task:
        """Return a task with its jobs."""
        request = messages.GetTaskRequest(task_id=await self._whole_task_id(task_id))
        return read(Task, await self.connection.ask(lambda services: services.client.GetTask, request))

    async def cancel(self, task_id: str) -> Task:
        """Cancel a task; what is not spent is refunded."""
        request = messages.CancelTaskRequest(task_id=await self._whole_task_id(task_id))
        return read(Task, await self.connection.ask(lambda services: services.client.CancelTask, request))

    async def fetch_result(self, task_id: str, path: Path) -> Digest:
        """Download the bundle of a finished task to `path`; return its digest."""
        request = messages.FetchResultRequest(task_id=await self._whole_task_id(task_id))
        result = await self.connection.ask(lambda services: services.client.FetchResult, request)
        digest = parse_digest(result.bundle.digest)
        await download_file(self.connection, digest, path)
        return digest

    async def program(self, digest: str) -> Program:
        """Return a registered program."""
        request = messages.GetProgramRequest(digest=await self._whole_digest(digest, field="digest"))
        return read(Program, await self.connection.ask(lambda services: services.client.GetProgram, request))

    async def programs(self, *, begins: str = "", limit: int = 100, cursor: str = "") -> Page[Program]:
        """Return a page of the registered programs, newest first; with `begins` those whose digest begins so."""
        request = messages.ListProgramsRequest(limit=limit, begins=begins, cursor=cursor)
        answer = await self.connection.ask(lambda services: services.client.ListPrograms, request)
        return read_page(Program, answer.programs, answer.next_cursor)

    async def _whole_digest(self, text: str, *, field: str = "program_digest") -> str:
        """Return the digest of the one program that begins so; every method here takes such a beginning.

        Raises InvalidField for fewer than 4 digits, UnknownProgram, AmbiguousName with the candidates.
        """
        return await names.whole_digest(
            text, lambda begins, limit: self.programs(begins=begins, limit=limit), field=field
        )

    async def _whole_task_id(self, text: str) -> str:
        """Return the id of the one task of yours that begins so; raises as `whole_digest`, UnknownTask."""
        return await names.whole_task_id(text, lambda begins, limit: self.tasks(begins=begins, limit=limit))
