"""All slices proven: combine them, verify the whole as any client would, seal the bundle, end the task."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ProofgridError, Recoverable
from proofgrid.primitives.ids import Address, GatewayId, TaskId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobOutput, PartialProof, ProgramFiles
from proofgrid.proofs.bundles.bundle import verify_bundle, write_bundle
from proofgrid.proofs.bundles.container import Content
from proofgrid.proofs.bundles.manifest import BundleJob, BundleTask, Manifest, for_verifiers
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.loop import Loop
from proofgrid.rules.jobs.events import Done
from proofgrid.rules.jobs.lifecycle import TaskEvent, TaskState, task_sources
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.combining import (
    CLAIM_COMBINING,
    COMBINING_ELSEWHERE,
    FINISH_TASK,
    PROOFS_OF_TASK,
    ClaimedTask,
    ProvenJob,
)
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.stored_artifacts import RECORD_ARTIFACTS
from proofgrid.store.tasks import append_event, end_task, give_back
from proofgrid.store.transactions import Transaction

LOOK_AGAIN_SECONDS = 1.0  #: whether the gateway that combines a task still lives
COMBINE_TIMEOUT_SECONDS = 540.0
PROOF_BYTES_MAX = 64 << 20
AFTER_TROUBLE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Combiner:
    """Combines finished tasks. Any number of gateways may run one: a claim says who is at it, and until when."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        gateway_id: GatewayId,
        key: SigningKey,
        scratch: Path,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._gateway_id = gateway_id
        self._key = key
        self._scratch = scratch
        self._loop = Loop("combining", self._look, retry_seconds=AFTER_TROUBLE_SECONDS)
        self._running: set[TaskId] = set()

    def wake(self) -> None:
        """A task may be ready to combine."""
        self._loop.wake()

    async def run(self) -> None:
        """Combine until cancelled; what an earlier gateway left undone comes first."""
        async with asyncio.TaskGroup() as self._group:
            await self._loop.run()

    async def _look(self) -> float | None:
        claimed, elsewhere = await self._claim(self._workers.count + 1 - len(self._running))
        for task in claimed:
            self._running.add(task.task_id)
            self._group.create_task(self._combine(task))
        return LOOK_AGAIN_SECONDS if elsewhere else None

    async def _claim(self, room: int) -> tuple[list[ClaimedTask], bool]:
        """Claim tasks to combine, at most `room`; say whether others may come without notice."""
        if not room:
            return [], False
        claimed = await self._database.write(
            Transaction.CLAIM_COMBINING,
            CLAIM_COMBINING,
            gateway_id=self._gateway_id,
            gateway_silent_ms=GATEWAY_SILENT_MS,
            room=room,
            running=list(self._running),
        )
        if claimed:
            return claimed, False
        async with self._database.connection(Urgency.SEALING) as connection:
            return [], await connection.value(COMBINING_ELSEWHERE, running=list(self._running))

    async def _combine(self, task: ClaimedTask) -> None:
        try:
            await self._combine_or_give_up(task)
        except Recoverable as error:
            # Tried again a little later; the task's deadline ends the trying.
            log.warning("combining_postponed", task_id=str(task.task_id), reason=str(error))
            await asyncio.sleep(AFTER_TROUBLE_SECONDS)
        finally:
            self._running.discard(task.task_id)
            self._loop.wake()

    async def _combine_or_give_up(self, task: ClaimedTask) -> None:
        try:
            result, bundle_digest, size_bytes = await self._seal(task)
        except Recoverable:
            raise
        except ProofgridError as error:
            log.error("combining_failed", task_id=str(task.task_id), reason=str(error))
            async with self._database.transaction(Transaction.END_TASK) as connection:
                await end_task(connection, task.task_id, TaskEvent.GAVE_UP, code=error.code, detail=error.detail)
        else:
            await self._finish(task, result, bundle_digest, size_bytes)

    async def _seal(self, task: ClaimedTask) -> tuple[Json, Digest, int]:
        """Return the result, and the stored bundle's digest and size; the bundle was verified as clients will."""
        program = await self._library.program(task.program_digest)
        async with self._database.connection(Urgency.SEALING) as connection:
            rows = await connection.fetch(PROOFS_OF_TASK, task_id=task.task_id)
        parts = [await self._part(row) for row in rows]
        async with self._workdir() as workdir:
            async with self._library.at_hand(program, program.verifying_files) as files:
                result = await self._workers.call(
                    in_worker.combine,
                    program.proof_system,
                    files,
                    task.statement,
                    parts,
                    workdir,
                    timeout_seconds=COMBINE_TIMEOUT_SECONDS,
                    urgency=Urgency.SEALING,
                )
                manifest = Manifest(
                    network=self._key.address,
                    task=_bundle_task(task, rows[0].now_ms),
                    program=for_verifiers(program),
                    statement=task.statement,
                    result=result,
                    jobs=tuple(_bundle_job(row) for row in rows),
                )
                path = workdir / "bundle"
                await asyncio.to_thread(self._write, path, manifest, files, rows, parts)
            # The same code as `proofgrid verify`, on the file that clients will get.
            await self._workers.call(
                verify_sealed,
                path,
                program.digest,
                self._key.address,
                workdir / "verify",
                timeout_seconds=COMBINE_TIMEOUT_SECONDS,
                urgency=Urgency.SEALING,
            )
            digest, size_bytes = await self._artifacts.put_file(path)
        return result, digest, size_bytes

    @asynccontextmanager
    async def _workdir(self) -> AsyncIterator[Path]:
        # Even making a folder may wait for the disk, behind somebody's fsync.
        folder = await asyncio.to_thread(tempfile.mkdtemp, dir=self._scratch)
        try:
            yield Path(folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _write(
        self, path: Path, manifest: Manifest, files: ProgramFiles, rows: list[ProvenJob], parts: list[PartialProof]
    ) -> None:
        contents: dict[Digest, Content] = {
            files.program.files[name]: files.path(name) for name in files.program.verifying_files
        }
        contents |= {row.proof_digest: part.output.proof for row, part in zip(rows, parts, strict=True)}
        write_bundle(path, manifest, contents=contents, key=self._key)

    async def _part(self, row: ProvenJob) -> PartialProof:
        proof = row.small_proof
        if proof is None:
            proof = await self._artifacts.read_bytes(row.proof_digest, limit_bytes=PROOF_BYTES_MAX)
        output = JobOutput(proof=proof, public=row.public)
        return PartialProof(slice_index=row.slice, input_index=row.input, output=output)

    async def _finish(self, task: ClaimedTask, result: Json, bundle_digest: Digest, size_bytes: int) -> None:
        async with self._database.transaction(Transaction.FINISH_TASK) as connection:
            finished = await connection.first(
                FINISH_TASK,
                task_id=task.task_id,
                result=result,
                bundle=bundle_digest,
                sources=task_sources(TaskEvent.COMBINED),
            )
            if finished is None:
                return  # cancelled meanwhile, or another gateway was faster
            await connection.run(RECORD_ARTIFACTS, owners=[task.client], digests=[bundle_digest], sizes=[size_bytes])
            back = await give_back(connection, task, TaskState.DONE)
            done = Done(bundle=bundle_digest, refunded=back.refunded, spent=back.spent)
            await append_event(connection, task.task_id, done)
        log.info("task_done", task_id=str(task.task_id), bundle=bundle_digest)


def verify_sealed(path: Path, program: Digest, network: Address, workdir: Path) -> None:
    """Run in a worker: raise what is wrong with a bundle that is about to be handed out."""
    workdir.mkdir()
    verify_bundle(path, expect_program=program, expect_network=network, workdir=workdir)


def _bundle_task(task: ClaimedTask, finished_ms: int) -> BundleTask:
    return BundleTask(
        task_id=task.task_id,
        client=task.client,
        created_ms=task.created_ms,
        finished_ms=finished_ms,
    )


def _bundle_job(row: ProvenJob) -> BundleJob:
    return BundleJob(
        slice_index=row.slice,
        input_index=row.input,
        proof=row.proof_digest,
        public=row.public,
        job_id=row.job_id,
        operator=row.operator,
        prover=row.prover_id,
        lane=row.lane,
        round_number=row.round,
        transcript=row.transcript_hash,
        units=row.units,
        price_buy=row.buy_price,
        price_sell=row.sell_price,
        paid=row.sell_price * row.units,
    )
