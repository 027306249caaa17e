"""From a request to a task: everything that can be wrong is found before anything is stored, sold or run."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import IdempotencyConflict, InvalidRequest, Recoverable, TooManyOpenTasks
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import NormalisedRequest, Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.jobs.classes import class_of, lane_of
from proofgrid.rules.jobs.limits import Limits
from proofgrid.rules.jobs.request import ProofRequest, calculate_escrow, check_request
from proofgrid.rules.ledger.settlement import escrow
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.tasks import append_event, post_transfers

DEFAULT_DEADLINE_MS = 3_600_000
NORMALISE_TIMEOUT_SECONDS = 300.0
UPLOADS_AT_ONCE = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task that passed every check and only has to be written down."""

    task_id: TaskId
    request: ProofRequest
    program: Program
    normal: NormalisedRequest
    input_digests: list[Digest]
    units: int
    escrow: int


class Admission:
    """Normalises requests and writes tasks."""

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

    async def submit(self, client: Address, request: ProofRequest) -> TaskId:
        """Make a task of a request and return its id; the same key and content is the same task.

        Raises InvalidRequest errors naming field and rule. When this returns, the task is durable and paid for.
        """
        known = await self._find(client, request)
        if known is None and request.allow_cached:
            known = await self._find_proven(client, request)
        if known is not None:
            return known
        check_request(request, inputs_max=self._limits.inputs_per_task, now_ms=self._clock.now_ms())
        program = await self._library.program(request.program_digest)
        await self._check_room(client)

        units = sum(spec.units for spec in program.slices) * len(request.inputs)
        calculate_escrow(request, units=units)  # what the program alone tells is refused before the costly part
        normal = await self._normalise(program, request)
        units = sum(job.units for job in normal.jobs)
        draft = _Draft(
            task_id=TaskId(fresh_uuid(self._clock)),
            request=request,
            program=program,
            normal=normal,
            input_digests=await self._store_inputs(normal),
            units=units,
            escrow=calculate_escrow(request, units=units),
        )
        try:
            async with self._database.transaction() as connection:
                await self._write(connection, client, draft)
        except asyncpg.UniqueViolationError:
            # Another call with the same key won the race.
            known = await self._find(client, request)
            if known is None:
                raise
            return known
        log.info("task_accepted", task_id=str(draft.task_id), client=client, jobs=len(normal.jobs), units=units)
        return draft.task_id

    async def _find(self, client: Address, request: ProofRequest) -> TaskId | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["find_task_by_key"], client, request.idempotency_key)
        if row is None:
            return None
        if row["request_digest"] != request.content_digest:
            raise IdempotencyConflict(
                f"key {request.idempotency_key!r} belongs to task {row['task_id']}",
                field="idempotency_key",
                hint="use a new key for a new request",
            )
        return TaskId(row["task_id"])

    async def _find_proven(self, client: Address, request: ProofRequest) -> TaskId | None:
        async with self._database.connection() as connection:
            task_id = await connection.fetchval(
                QUERIES["find_proven_task"], client, request.program_digest, request.inputs_digest
            )
        return None if task_id is None else TaskId(task_id)

    async def _check_room(self, client: Address) -> None:
        async with self._database.connection() as connection:
            open_tasks = await connection.fetchval(QUERIES["count_open_tasks"], client)
        if open_tasks >= self._limits.open_tasks:
            raise TooManyOpenTasks(
                f"{open_tasks} tasks are open, {self._limits.open_tasks} are allowed", hint="wait for some to finish"
            )

    async def _normalise(self, program: Program, request: ProofRequest) -> NormalisedRequest:
        with tempfile.TemporaryDirectory(dir=self._scratch) as workdir:
            async with self._library.at_hand(program) as files:
                try:
                    return await self._workers.call(
                        in_worker.normalise,
                        program.proof_system,
                        files,
                        list(request.inputs),
                        Path(workdir),
                        timeout_seconds=NORMALISE_TIMEOUT_SECONDS,
                    )
                except Recoverable as error:
                    # An input that kills the engine would kill every prover as well.
                    raise InvalidRequest(
                        f"the proof system failed on these inputs: {error.detail}", field="inputs"
                    ) from error

    async def _store_inputs(self, normal: NormalisedRequest) -> list[Digest]:
        turn = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def store(content: bytes) -> Digest:
            async with turn:
                return await self._artifacts.put_bytes(content)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(store(job.input)) for job in normal.jobs]
        return [task.result() for task in tasks]

    async def _write(self, connection: Any, client: Address, draft: _Draft) -> None:
        request, normal = draft.request, draft.normal
        now_ms = await connection.fetchval(QUERIES["database_time"])
        await connection.execute(
            QUERIES["insert_task"],
            draft.task_id,
            client,
            request.program_digest,
            request.idempotency_key,
            request.content_digest,
            normal.statement,
            len(request.inputs),
            request.limit_price,
            draft.units,
            draft.escrow,
            request.deadline_ms or now_ms + DEFAULT_DEADLINE_MS,
            len(normal.jobs),
            request.inputs_digest,
        )
        rows = self._job_rows(draft)
        await connection.execute(QUERIES["insert_jobs"], draft.task_id, rows)
        sizes = [len(job.input) for job in normal.jobs]
        await connection.execute(QUERIES["record_artifacts"], client, draft.input_digests, sizes)
        await post_transfers(
            connection,
            escrow(task_id=str(draft.task_id), client=client, limit_price=request.limit_price, units=draft.units),
        )
        await append_event(
            connection,
            draft.task_id,
            "accepted",
            program=request.program_digest,
            jobs=[{"slice": row["slice"], "input": row["input"], "units": row["units"]} for row in rows],
            units=draft.units,
            limit_price=request.limit_price,
            escrow=draft.escrow,
        )
        for lane in sorted({row["lane"] for row in rows}):
            await connection.execute(QUERIES["wake_lane"], lane)

    def _job_rows(self, draft: _Draft) -> list[dict[str, Any]]:
        rows = []
        for position, (job, input_digest) in enumerate(zip(draft.normal.jobs, draft.input_digests, strict=True)):
            job_class = class_of(memory_bytes=job.memory_bytes, units=job.units)
            lane = lane_of(subnetwork=self._subnetwork, proof_system=draft.program.proof_system, job_class=job_class)
            rows.append(
                {
                    "job_id": str(fresh_uuid(self._clock)),
                    "slice": job.slice_index,
                    "input": job.input_index,
                    "position": position,
                    "lane": lane,
                    "class": job_class.value,
                    "units": job.units,
                    "memory_bytes": job.memory_bytes,
                    "depends_on": list(job.depends_on),
                    "input_digest": input_digest,
                    "facts": dict(job.facts),
                }
            )
        return rows
