"""From a request to a task: everything that can be wrong is found before anything is stored, sold or run.

check -> normalise in a worker -> store large inputs -> one transaction for all that wait: tasks, jobs, escrow, events
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import (
    IdempotencyConflict,
    InsufficientFunds,
    InvalidField,
    InvalidRequest,
    QuoteOver,
    Recoverable,
    TooManyOpenTasks,
    UnknownQuote,
    UnknownSubnetwork,
)
from proofgrid.primitives.ids import Address, Lane, TaskId
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.subnetworks import DEFAULT
from proofgrid.rules.jobs.classes import class_of, class_of_lane, lane_of, stack_of
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.events import Accepted, AcceptedQuote
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.jobs.limits import SMALL_ARTIFACT_BYTES, Limits
from proofgrid.rules.jobs.request import ProofRequest, calculate_escrow, check_request, redeem
from proofgrid.rules.ledger.accounts import Transfer, client_account
from proofgrid.rules.ledger.firm_quotes import redeem_quote
from proofgrid.rules.ledger.settlement import escrow
from proofgrid.rules.market.firm_quote import QuoteEvent, QuoteState, quote_sources
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.subnetworks import check_client
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import insufficient_funds, transfer_row

DEFAULT_DEADLINE_MS = 3_600_000
NORMALISE_TIMEOUT_SECONDS = 300.0
UPLOADS_AT_ONCE = 16
TASKS_PER_BATCH = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task that passed every check and only has to be written down."""

    task_id: TaskId
    client: Address
    request: ProofRequest
    program: Program
    normal: NormalisedRequest
    input_digests: list[Digest]
    units: int
    escrow: int
    excluded: Mapping[str, int]
    quote: asyncpg.Record | None = None  #: the firm quote that it redeems


class _KeyTaken(Exception):
    """Another call with the same idempotency key was first; what this one began is undone."""


class Admission:
    """Normalises requests and writes tasks. Needs its `run` in a TaskGroup."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        limits: Limits,
        clock: Clock,
        subnetwork: str,
        scratch: Path,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._limits = limits
        self._clock = clock
        self._subnetwork = subnetwork
        self._scratch = scratch
        self._drafts: Batches[_Draft, bool] = Batches(self._write_all, size_max=TASKS_PER_BATCH)

    async def run(self) -> None:
        """Write down what is submitted until cancelled."""
        await self._drafts.run()

    async def submit(
        self, client: Address, request: ProofRequest, *, excluded: Mapping[str, int] | None = None
    ) -> TaskId:
        """Make a task of a request and return its id; the same key and content is the same task.

        `excluded`: provers or operators that may not have its jobs, and until when.

        Raises InvalidRequest errors naming field and rule. When this returns, the task is durable and paid for.
        """
        known, open_tasks = await self._look_around(client, request)
        if known is not None:
            return known
        quote = await self._quote_of(client, request)
        if quote is not None:
            request = redeem(request, limit_price=quote["limit_price"])
        program = await self._checked(request)
        await self._check_subnetwork(client, request, program)
        if open_tasks >= self._limits.open_tasks:
            raise TooManyOpenTasks(
                f"{open_tasks} tasks are open, {self._limits.open_tasks} are allowed", hint="wait for some to finish"
            )

        normal = await self._normalise(program, request)
        units = sum(job.units for job in normal.jobs)
        draft = _Draft(
            task_id=TaskId(fresh_uuid(self._clock)),
            client=client,
            request=request,
            program=program,
            normal=normal,
            input_digests=await self._store_inputs(normal),
            units=units,
            escrow=calculate_escrow(request, units=units),
            excluded=excluded or {},
            quote=quote,
        )
        if await (self._drafts.add(draft) if quote is None else self._redeem(draft, quote)):
            log.info("task_accepted", task_id=str(draft.task_id), client=client, jobs=len(normal.jobs), units=units)
            return draft.task_id
        # Another call with the same key won the race.
        known, _ = await self._look_around(client, request)
        if known is None:
            raise Recoverable("the task with this key is not to be found", hint="try again in a moment")
        return known

    async def jobs_of(self, client: Address, request: ProofRequest) -> tuple[Program, list[tuple[Lane, JobDraft]]]:
        """Return the program of a request and its jobs, each with the lane it would be sold in; nothing is stored."""
        program = await self._checked(request)
        await self._check_subnetwork(client, request, program)
        normal = await self._normalise(program, request)
        return program, [(self._lane_of(job, program, request), job) for job in normal.jobs]

    async def _checked(self, request: ProofRequest) -> Program:
        """Return a request's program; what can be refused before the costly part is refused here."""
        check_request(request, inputs_max=self._limits.inputs_per_task, now_ms=self._clock.now_ms())
        program = await self._library.program(request.program_digest)
        calculate_escrow(request, units=sum(spec.units for spec in program.slices) * len(request.inputs))
        return program

    def _lane_of(self, job: JobDraft, program: Program, request: ProofRequest) -> Lane:
        return lane_of(
            subnetwork=request.subnetwork or self._subnetwork,
            proof_system=program.proof_system,
            job_class=class_of(memory_bytes=job.memory_bytes, units=job.units, limits=self._limits.class_limits),
            constraints=request.constraints.name,
        )

    async def _look_around(self, client: Address, request: ProofRequest) -> tuple[TaskId | None, int]:
        """Return the task that answers this request already, if any, and how many tasks the client has open."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                QUERIES["look_around"], client, request.idempotency_key, self._limits.open_tasks
            )
            if row["task_id"] is None and request.allow_cached:
                proven = await connection.fetchval(
                    QUERIES["find_proven_task"], client, request.program_digest, request.inputs_digest
                )
                return (None if proven is None else TaskId(proven)), row["open_tasks"]
        if row["task_id"] is None:
            return None, row["open_tasks"]
        if row["request_digest"] != request.content_digest:
            raise IdempotencyConflict(
                f"key {request.idempotency_key!r} belongs to task {row['task_id']}",
                field="idempotency_key",
                hint="use a new key for a new request",
            )
        return TaskId(row["task_id"]), row["open_tasks"]

    async def _quote_of(self, client: Address, request: ProofRequest) -> asyncpg.Record | None:
        """Return the firm quote that a request redeems.

        Raises UnknownQuote, QuoteOver, or InvalidField when it is for something else.
        """
        if not request.quote_id:
            return None
        async with self._database.connection() as connection:
            quote: asyncpg.Record | None = await connection.fetchrow(
                QUERIES["get_firm_quote"], request.quote_id, client
            )
        if quote is None:
            raise UnknownQuote(field="quote_id", hint="proofgrid quotes lists yours")
        if quote["state"] != QuoteState.HELD or quote["held_until_ms"] <= quote["now_ms"]:
            raise _quote_over(quote["state"])
        if quote["program_digest"] != request.program_digest:
            raise InvalidField(f"the firm quote is for program {quote['program_digest']}", field="program_digest")
        if quote["inputs"] != len(request.inputs):
            raise InvalidField(f"the firm quote is for {quote['inputs']} inputs", field="inputs")
        return quote

    async def _redeem(self, draft: _Draft, quote: asyncpg.Record) -> bool:
        """Write a task down that the network pays; False when its key was taken by the same request."""
        jobs = self._job_rows(draft)
        try:
            async with self._database.transaction(Transaction.REDEEM_QUOTE) as connection:
                redeemed = await connection.fetchrow(
                    QUERIES["redeem_firm_quote"], quote["quote_id"], draft.client, quote_sources(QuoteEvent.REDEEMED)
                )
                rows = redeemed and await connection.fetch(
                    QUERIES["admit_tasks"],
                    [self._task_row(draft, jobs)],
                    jobs,
                    [_small(job.input) for job in draft.normal.jobs],
                    quote["within_ms"],
                )
                if not rows:
                    raise _KeyTaken
        except _KeyTaken:
            known, _ = await self._look_around(draft.client, draft.request)
            if known is None:
                raise _quote_over("used by now") from None
            return False
        return True

    async def _check_subnetwork(self, client: Address, request: ProofRequest, program: Program) -> None:
        name = request.subnetwork or self._subnetwork
        if name != DEFAULT:
            async with self._database.connection() as connection:
                row = await connection.fetchrow(QUERIES["subnetwork_for"], name, client, Role.CLIENT.value)
            check_client(row, name, proof_system=program.proof_system)

    async def _normalise(self, program: Program, request: ProofRequest) -> NormalisedRequest:
        async with self._library.at_hand(program) as files:
            try:
                return await self._workers.call(
                    in_worker.normalise,
                    program.proof_system,
                    files,
                    list(request.inputs),
                    self._scratch,
                    timeout_seconds=NORMALISE_TIMEOUT_SECONDS,
                )
            except Recoverable as error:
                # An input that kills the engine would kill every prover as well.
                raise InvalidRequest(
                    f"the proof system failed on these inputs: {error.detail}", field="inputs"
                ) from error

    async def _store_inputs(self, normal: NormalisedRequest) -> list[Digest]:
        """Return the inputs' digests; small ones are written with their jobs."""
        turn = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def store(content: bytes) -> Digest:
            async with turn:
                return await self._artifacts.put_bytes(content)

        async with asyncio.TaskGroup() as group:
            stored = {
                place: group.create_task(store(job.input))
                for place, job in enumerate(normal.jobs)
                if len(job.input) > SMALL_ARTIFACT_BYTES
            }
        return [
            stored[place].result() if place in stored else digest_of(job.input) for place, job in enumerate(normal.jobs)
        ]

    async def _write_all(self, drafts: list[_Draft]) -> list[bool | BaseException]:
        """Write tasks down, all in one transaction; say of each whether it was the first with its key."""
        jobs = [self._job_rows(draft) for draft in drafts]
        try:
            rows = await self._database.write(
                Transaction.ADMIT_TASKS,
                QUERIES["admit_tasks"],
                [self._task_row(draft, its_jobs) for draft, its_jobs in zip(drafts, jobs, strict=True)],
                [row for its_jobs in jobs for row in its_jobs],
                [_small(job.input) for draft in drafts for job in draft.normal.jobs],
                DEFAULT_DEADLINE_MS,
            )
        except (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError) as error:
            if len(drafts) == 1:
                removed = isinstance(error, asyncpg.ForeignKeyViolationError)
                return [self._subnetwork_gone(drafts[0]) if removed else _cannot_pay(drafts[0])]
            # One that cannot pay, or whose subnetwork was just removed, must not take the others down.
            return [outcome for draft in drafts for outcome in await self._write_all([draft])]
        written = {row["task_id"] for row in rows}
        return [draft.task_id in written for draft in drafts]

    def _job_rows(self, draft: _Draft) -> list[dict[str, Any]]:
        rows = []
        task_id = str(draft.task_id)
        for position, (job, input_digest) in enumerate(zip(draft.normal.jobs, draft.input_digests, strict=True)):
            lane = self._lane_of(job, draft.program, draft.request)
            rows.append(
                {
                    "job_id": str(fresh_uuid(self._clock)),
                    "task_id": task_id,
                    "slice": job.slice_index,
                    "input": job.input_index,
                    "position": position,
                    "lane": lane,
                    "class": class_of_lane(lane).value,
                    "units": job.units,
                    "memory_bytes": job.memory_bytes,
                    "depends_on": list(job.depends_on),
                    "input_digest": input_digest,
                    "input_bytes": len(job.input),
                    "facts": dict(job.facts),
                    **_demanded(lane, draft.request.constraints),
                    **({"barred": dict(draft.excluded)} if draft.excluded else {}),
                }
            )
        return rows

    def _task_row(self, draft: _Draft, jobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        subnetwork = draft.request.subnetwork or self._subnetwork
        named = None if subnetwork == DEFAULT else subnetwork
        row = _task_row(draft, jobs)
        row["accepted"] = _accepted(draft, jobs, named).data()
        return row if named is None else {**row, "subnetwork": named}

    def _subnetwork_gone(self, draft: _Draft) -> UnknownSubnetwork:
        name = draft.request.subnetwork or self._subnetwork
        return UnknownSubnetwork(f"the subnetwork {name!r} has just been removed", field="subnetwork")


def _quote_over(how: str) -> QuoteOver:
    return QuoteOver(f"the firm quote is {how}", field="quote_id", hint="proofgrid quote --firm buys another")


def _small(content: bytes) -> bytes | None:
    return content if len(content) <= SMALL_ARTIFACT_BYTES else None


def _task_row(draft: _Draft, jobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    request = draft.request
    [transfer] = _escrow(draft)
    return {
        "task_id": str(draft.task_id),
        "client": draft.client,
        "program_digest": request.program_digest,
        "idempotency_key": request.idempotency_key,
        "request_digest": request.content_digest,
        "statement": draft.normal.statement,
        "inputs": len(request.inputs),
        "limit_price": request.limit_price,
        "units": draft.units,
        "escrow": draft.escrow,
        "deadline_ms": request.deadline_ms,
        "jobs_open": len(draft.normal.jobs),
        "inputs_digest": request.inputs_digest,
        "hedging": request.hedging,
        **_raises(request.ladder),
        "transfer": transfer_row(transfer),
        **({"quote_id": request.quote_id} if request.quote_id else {}),
    }


def _accepted(draft: _Draft, jobs: Sequence[dict[str, Any]], subnetwork: str | None) -> Accepted:
    request = draft.request
    return Accepted(
        program=request.program_digest,
        jobs=[{"slice": row["slice"], "input": row["input"], "units": row["units"]} for row in jobs],
        units=draft.units,
        limit_price=request.limit_price,
        limit_price_max=request.price_max if request.ladder else None,
        escrow=draft.escrow,
        constraints=None if request.constraints.is_empty else request.constraints.to_json(),
        quote=_promised(draft.quote),
        subnetwork=subnetwork,
    )


def _escrow(draft: _Draft) -> list[Transfer]:
    task_id = str(draft.task_id)
    if draft.quote is not None:
        return redeem_quote(quote_id=str(draft.quote["quote_id"]), task_id=task_id, escrow=draft.escrow)
    return escrow(task_id=task_id, client=draft.client, limit_price=draft.request.price_max, units=draft.units)


def _promised(quote: asyncpg.Record | None) -> AcceptedQuote | None:
    if quote is None:
        return None
    return {
        "quote_id": str(quote["quote_id"]),
        "cost": quote["cost"],
        "penalty": quote["penalty"],
        "within_ms": quote["within_ms"],
    }


def _demanded(lane: Lane, constraints: Constraints) -> dict[str, Any]:
    return {} if constraints.is_empty else {"stack": stack_of(lane), "constraints": constraints.to_json()}


def _raises(ladder: Ladder | None) -> dict[str, int]:
    if ladder is None:
        return {}
    return {
        "raise_permille": ladder.permille,
        "raise_every_ms": ladder.every_ms,
        "raise_max": ladder.price_max,
    }


def _cannot_pay(draft: _Draft) -> InsufficientFunds:
    return insufficient_funds(client_account(draft.client), draft.escrow)
