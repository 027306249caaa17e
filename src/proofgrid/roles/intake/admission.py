"""From a request to a task: everything that can be wrong is found before anything is stored, sold or run.

check -> normalise in a worker -> store large inputs -> one transaction for all that wait: tasks, jobs, escrow, events
                               '-> no limit price: what the market says now, and a fifth
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.convoy import Convoy
from proofgrid.primitives.errors import (
    IdempotencyConflict,
    InvalidField,
    ProofgridError,
    QuoteOver,
    Recoverable,
    TooManyOpen,
    UnknownQuote,
)
from proofgrid.primitives.ids import Address, Engine, Lane, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import Program
from proofgrid.proofs.registry import systems_of
from proofgrid.roles.intake.drafts import Draft, DraftedJob, task_view
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.looking_around import LookingAround
from proofgrid.roles.intake.normalising import Normaliser
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.roles.intake.sizing import PlacedJob, SizedJob, Sizing
from proofgrid.roles.intake.writing_down import MarketHere, redeem, write_down
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.classes import class_of, lane_of
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.jobs.request import ProofRequest, calculate_escrow, check_request
from proofgrid.rules.jobs.request import redeem as at_the_price_of
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.rules.market.quote import LaneQuote, estimate, suggested_limit
from proofgrid.store.admission import FIND_PROVEN_TASK, AdmittedTask
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database
from proofgrid.store.firm_quotes import GET_FIRM_QUOTE, FirmQuote
from proofgrid.store.ledger import balance_of
from proofgrid.store.seating import Seating
from proofgrid.store.subnetworks import check_client
from proofgrid.store.task_views import GET_TASK, TaskView
from proofgrid.store.transfers import insufficient_funds
from proofgrid.telemetry import traces
from proofgrid.telemetry.acting import current_act
from proofgrid.telemetry.metrics.of_gateway import SUBMIT_SECONDS, TASKS_ACCEPTED

TASKS_PER_BATCH = 64
TOGETHER_SECONDS = 0.02  #: for which submissions under way keep the next ones waiting

log = structlog.get_logger(__name__)

Engines = Mapping[str, Engine]  #: of the proof systems of a program
#: Jobs in the lanes that they would be sold in, their program, whom they are for -> what the lanes say.
PriceJobs = Callable[[Sequence[PlacedJob], str, Constraints], Awaitable[Sequence[LaneQuote]]]


class Admission:
    """Makes tasks of requests. Needs its `run` in a TaskGroup."""

    def __init__(
        self,
        database: Database,
        normaliser: Normaliser,
        programs: KnownPrograms,
        price_jobs: PriceJobs,
        *,
        limits: Limits,
        clock: Clock,
        subnetwork: str,
        phases: PhasePolicy,
        market: MarketHere,
        sizing: Sizing,
        engines: KnownEngines,
    ) -> None:
        self._database = database
        self._engines = engines
        self._normaliser = normaliser
        self._programs = programs
        self._sizing = sizing
        self._price_jobs = price_jobs
        self._limits = limits
        self._clock = clock
        self._subnetwork = subnetwork
        self._seating = Seating(phases=phases, clock=clock)
        self._convoy = Convoy(TOGETHER_SECONDS)  #: of what is quick: normalised by one call, written by one statement
        self._around = LookingAround(database, open_tasks_max=limits.open_tasks, clock=clock)
        self._drafts: Batches[Draft, AdmittedTask | None] = Batches(
            partial(write_down, database, market), size_max=TASKS_PER_BATCH, of="tasks"
        )

    async def run(self) -> None:
        """Look around for what is submitted, and write it down, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._around.run())
            group.create_task(self._normaliser.run())
            group.create_task(self._drafts.run())

    async def submit(self, client: Address, request: ProofRequest, *, api_key: str = "") -> TaskView:
        """Make a task of a request and return it; the same key and content is the same task.

        `api_key`: the name of the API key by which it is paid for.
        Raises InvalidRequest errors naming field and rule. When this returns, the task is durable and paid for.
        """
        open_tasks = self._counted(client, request)
        if open_tasks is None:
            known, open_tasks = await self._look_around(client, request)
            return await (self._made(client, request, open_tasks, api_key) if known is None else self._as_it_is(known))
        try:
            async with self._convoy.place():
                return await self._made(client, request, open_tasks, api_key)
        except ProofgridError:
            # Whatever is wrong with it by now: what was accepted once is answered as it was.
            known, _ = await self._look_around(client, request)
            if known is None:
                raise
            return await self._as_it_is(known)

    def _counted(self, client: Address, request: ProofRequest) -> int | None:
        """Return how many tasks the client has open, where nothing needs to be looked up before it is written down.

        Whether its key is taken is seen by writing as well: looking first only saves work, and less than it costs
        where the work is quick.
        """
        if request.quote_id or request.allow_cached or not self._normaliser.is_quick(request):
            return None
        return self._around.counted(client)

    async def _made(self, client: Address, request: ProofRequest, open_tasks: int, api_key: str) -> TaskView:
        began = self._clock.running_seconds()
        quote = await self._quote_of(client, request)
        if quote is not None:
            request = at_the_price_of(request, limit_price=quote.buy_price)
        program, engines = await self._checked(client, request)
        if open_tasks >= self._limits.open_tasks:
            raise TooManyOpen(
                f"{open_tasks} tasks are open, {self._limits.open_tasks} are allowed", hint="wait for some to finish"
            )
        if quote is None and not self._normaliser.is_quick(request):
            await self._check_money(client, request, program, engines)
        draft = replace(await self._draft(client, request, program, engines, quote), api_key=api_key)
        written = await (
            self._drafts.add(draft) if quote is None else redeem(self._database, draft, quote, self._seating)
        )
        if written is None:
            return await self._as_it_is(await self._first_one(client, request, quote))
        self._around.note_accepted(client)
        TASKS_ACCEPTED.add(1)
        took = self._clock.running_seconds() - began
        SUBMIT_SECONDS.observe(took, trace=draft.task_id.hex)
        act = current_act()
        asked = None if act is None else act.asked_within
        traces.note_submit(draft.task_id, took, asked=asked, jobs=len(draft.jobs))
        log.info("task_accepted", task_id=str(draft.task_id), client=client, jobs=len(draft.jobs), units=draft.units)
        return task_view(draft, written)

    async def jobs_of(self, client: Address, request: ProofRequest) -> list[PlacedJob]:
        """Return the jobs of a request in the lanes that they would be sold in; nothing is stored."""
        program, engines = await self._checked(client, request)
        normal = await self._normaliser.normalise(program, request, client, urgency=Urgency.READING)
        sized = await self._sizing.sized(program, request.program_digest, normal.jobs, engines)
        return self._in_lanes(sized, engines, request)

    async def _checked(self, client: Address, request: ProofRequest) -> tuple[Program, Engines]:
        """Return a request's program and who proves it; what can be refused before the costly part is refused here."""
        check_request(request, inputs_max=self._limits.inputs_per_task, now_ms=self._clock.now_ms())
        name = request.subnetwork or self._subnetwork
        await self._programs.check_may_use(client, request.program_digest, subnetwork=name)
        program = await self._normaliser.program(request.program_digest)
        engines = await self._engines.of(program)
        if request.aggregate and not program.wraps:
            raise InvalidField(
                "this program has nothing that makes one proof of many",
                field="aggregate",
                hint="leave it out, or register the program with wraps",
            )
        units = await self._sizing.units_of(program, request.program_digest, engines)
        calculate_escrow(request, units=units * request.inputs_count)
        if name != DEFAULT:
            async with self._database.connection(Urgency.ADMISSION) as connection:
                await check_client(connection, name, client=client, proof_systems=set(systems_of(program)))
        return program, engines

    async def _check_money(self, client: Address, request: ProofRequest, program: Program, engines: Engines) -> None:
        """Raise InsufficientFunds for a request that takes time and could not be paid afterwards."""
        units = await self._sizing.units_of(program, request.program_digest, engines) * request.inputs_count
        least = max(calculate_escrow(request, units=units), units)  # at the market's price: a base unit at least
        async with self._database.connection(Urgency.ADMISSION) as connection:
            if await balance_of(connection, client_account(client)) < least:
                raise insufficient_funds(client_account(client), least)

    async def _draft(
        self,
        client: Address,
        request: ProofRequest,
        program: Program,
        engines: Engines,
        quote: FirmQuote | None,
    ) -> Draft:
        began = self._clock.running_seconds()
        normal = await self._normaliser.normalise(program, request, client)
        took = self._clock.running_seconds() - began
        digest = request.program_digest
        if quote is None:
            sized = await self._sizing.sized(program, digest, normal.jobs, engines)
        else:
            sized = await self._sizing.as_sold(program, digest, normal.jobs, quote.quote_id)
        placed = self._in_lanes(sized, engines, request)
        await self._engines.of(program)  # nothing was stopped while it was normalised, which may take long
        if not request.limit_price:
            request = await self._at_the_markets_price(client, request, placed)
        digests = await self._normaliser.store_inputs(client, normal.jobs)
        task_id = TaskId(fresh_uuid(self._clock))
        traces.note("normalise", traces.of_task(task_id), took, proof_system=program.proof_system)
        return Draft(
            task_id=task_id,
            client=client,
            request=request,
            subnetwork=request.subnetwork or self._subnetwork,
            statement=normal.statement,
            jobs=[
                DraftedJob(job_id=fresh_uuid(self._clock), input_digest=digest, placed=one)
                for one, digest in zip(placed, digests, strict=True)
            ],
            escrow=calculate_escrow(request, units=sum(one.content.units for one in placed)),
            quote=quote,
        )

    async def _at_the_markets_price(
        self, client: Address, request: ProofRequest, placed: Sequence[PlacedJob]
    ) -> ProofRequest:
        """Return the request with the limit price that the market suggests, within what its client can pay."""
        lanes = await self._price_jobs(placed, request.program_digest, request.constraints)
        async with self._database.connection(Urgency.ADMISSION) as connection:
            balance = await balance_of(connection, client_account(client))
        said = estimate(lanes)
        units = sum(one.content.units for one in placed)
        limit = suggested_limit(said, units=units, budget=request.budget, balance=balance)
        return replace(request, limit_price=limit, estimate=said)

    def _in_lanes(self, jobs: Iterable[SizedJob], engines: Engines, request: ProofRequest) -> list[PlacedJob]:
        """Return jobs in the lane of each: that of the engine whose provers prove its slice, and of its size."""
        return [PlacedJob(lane=self._lane_of(job, engines[job.proof_system], request), sized=job) for job in jobs]

    def _lane_of(self, job: SizedJob, engine: Engine, request: ProofRequest) -> Lane:
        units, memory_bytes = job.content.units, job.content.memory_bytes
        return lane_of(
            subnetwork=request.subnetwork or self._subnetwork,
            engine=engine,
            job_class=class_of(memory_bytes=memory_bytes, units=units, limits=self._limits.class_limits),
            constraints=request.constraints.name,
        )

    async def _look_around(self, client: Address, request: ProofRequest) -> tuple[TaskId | None, int]:
        """Return the task that answers this request already, if any, and how many tasks the client has open."""
        around = await self._around.look(client, request.idempotency_key)
        if around.task_id is None:
            proven = await self._proven(client, request) if request.allow_cached else None
            return proven, around.open_tasks
        if around.request_digest != request.content_digest:
            raise IdempotencyConflict(
                f"key {request.idempotency_key!r} belongs to task {around.task_id}",
                field="idempotency_key",
                hint="use a new key for a new request",
            )
        return around.task_id, around.open_tasks

    async def _proven(self, client: Address, request: ProofRequest) -> TaskId | None:
        """Return a finished task of the same client that proves the same."""
        async with self._database.connection(Urgency.ADMISSION) as connection:
            proven = await connection.first(
                FIND_PROVEN_TASK,
                client=client,
                program_digest=request.program_digest,
                inputs_digest=request.inputs_digest,
            )
        return None if proven is None else TaskId(proven)

    async def _as_it_is(self, task_id: TaskId) -> TaskView:
        async with self._database.connection(Urgency.ADMISSION) as connection:
            return await connection.value(GET_TASK, task_id=task_id)

    async def _first_one(self, client: Address, request: ProofRequest, quote: FirmQuote | None) -> TaskId:
        """Return the task of another call with the same key, which won the race."""
        known, _ = await self._look_around(client, request)
        if known is None and quote is not None:
            raise _quote_over("used by now")
        if known is None:
            raise Recoverable("the task with this key is not to be found", hint="try again in a moment")
        return known

    async def _quote_of(self, client: Address, request: ProofRequest) -> FirmQuote | None:
        """Return the firm quote that a request redeems.

        Raises UnknownQuote, QuoteOver, or InvalidField when it is for something else.
        """
        if not request.quote_id:
            return None
        async with self._database.connection(Urgency.ADMISSION) as connection:
            quote = await connection.first(GET_FIRM_QUOTE, quote_id=request.quote_id, client=client)
        if quote is None:
            raise UnknownQuote(field="quote_id", hint="proofgrid quotes lists yours")
        if not quote.can_be_redeemed:
            raise _quote_over(quote.state)
        if quote.program_digest != request.program_digest:
            raise InvalidField(f"the firm quote is for program {quote.program_digest}", field="program_digest")
        if quote.inputs != request.inputs_count:
            raise InvalidField(f"the firm quote is for {quote.inputs} inputs", field="inputs")
        if quote.aggregate != request.aggregate:
            what = "one proof of all inputs" if quote.aggregate else "a proof of each input"
            raise InvalidField(f"the firm quote is for {what}", field="aggregate", hint="ask for what was quoted")
        return quote


def _quote_over(how: str) -> QuoteOver:
    return QuoteOver(f"the firm quote is {how}", field="quote_id", hint="proofgrid quote --firm buys another")
