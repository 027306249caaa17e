"""A proof counts only after it was verified here; then, in one transaction, it is paid and the task moves on."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import BadProof, JobCrashed, JobTimedOut, LeaseLost, Recoverable
from proofgrid.primitives.ids import Address, ProverId, TaskId
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobOutput
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.jobs.lifecycle import (
    JobEvent,
    LeaseEvent,
    LeaseState,
    TaskEvent,
    TaskState,
    job_sources,
    lease_sources,
    task_sources,
)
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.ledger.settlement import pay_for_proof
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.tasks import append_event, end_lease, post_transfers

VERIFY_TIMEOUT_SECONDS = 120.0
PROOF_BYTES_MAX = 64 << 20
STORE_DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  #: far less than a reported lease lives

log = structlog.get_logger(__name__)


class Settlement:
    """Judges results and pays for proofs."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        scratch: Path,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._scratch = scratch

    async def settle(self, report: JobReport, operator: Address) -> ProverId:
        """Verify and pay a result; return the prover that is paid.

        Raises BadProof for anything that is no valid proof of the job, LeaseLost when the lease is not the reporter's
        any more (a second report of a settled lease is answered like the first), ArtifactMissing or ArtifactCorrupt
        when an uploaded proof cannot be read.
        """
        lease = await self._open_report(report, operator)
        if lease["state"] == LeaseState.SETTLED:
            return ProverId(lease["prover_id"])
        content = await self._content(report)
        await self._verify(lease, JobOutput(proof=content, public=report.public))
        proof_digest = await self._store_patiently(content)
        async with self._database.transaction() as connection:
            await self._pay(connection, lease, report, proof_digest, len(content))
        log.info("proof_paid", job_id=str(lease["job_id"]), prover_id=lease["prover_id"], price=lease["sell_price"])
        return ProverId(lease["prover_id"])

    async def _open_report(self, report: JobReport, operator: Address) -> Any:
        """Mark the lease as reported, which gives verification its own time; raise LeaseLost for somebody else's."""
        async with self._database.connection() as connection:
            reported = await connection.fetchval(
                QUERIES["report_lease"],
                report.held.lease_id,
                report.held.fence,
                operator,
                lease_sources(LeaseEvent.REPORTED),
                int(VERIFY_TIMEOUT_SECONDS * 1000) + 30_000,
            )
            lease = await connection.fetchrow(QUERIES["get_lease"], report.held.lease_id)
        if lease is None or lease["fence"] != report.held.fence or lease["operator"] != operator:
            raise LeaseLost("no lease of yours has this id and fence")
        if reported is None and lease["state"] != LeaseState.SETTLED:
            raise LeaseLost(f"the lease is {lease['state']}: {lease['reason']}")
        return lease

    async def _content(self, report: JobReport) -> bytes:
        if report.proof_digest is None:
            return report.proof
        return await self._artifacts.read_bytes(report.proof_digest, limit_bytes=PROOF_BYTES_MAX)

    async def _store_patiently(self, content: bytes) -> Digest:
        # The work is done and found right: it is not thrown away because the store is away for a moment.
        for delay_seconds in STORE_DELAYS_SECONDS:
            try:
                return await self._artifacts.put_bytes(content)
            except Recoverable as error:
                log.warning("proof_not_stored", reason=str(error), again_in_seconds=delay_seconds)
            await asyncio.sleep(delay_seconds)
        return await self._artifacts.put_bytes(content)

    async def _verify(self, lease: Any, output: JobOutput) -> None:
        program = await self._library.program(Digest(lease["program_digest"]))
        names = program.verifying_files
        async with self._library.at_hand(program, names) as files:
            for last_try in (False, True):
                with tempfile.TemporaryDirectory(dir=self._scratch) as workdir:
                    try:
                        await self._workers.call(
                            in_worker.verify_partial,
                            program.proof_system,
                            files,
                            lease["slice"],
                            lease["facts"],
                            output,
                            Path(workdir),
                            timeout_seconds=VERIFY_TIMEOUT_SECONDS,
                        )
                        return
                    except (JobCrashed, JobTimedOut) as error:
                        # Once may be our machine's fault; twice in a row it is the proof's.
                        if last_try:
                            raise BadProof(f"the verifier failed on this proof: {error.detail}") from error

    async def _pay(self, connection: Any, lease: Any, report: JobReport, proof_digest: Digest, size_bytes: int) -> None:
        task_id = TaskId(lease["task_id"])
        task = await connection.fetchrow(QUERIES["lock_task"], task_id)
        now = await connection.fetchrow(QUERIES["lock_lease"], lease["lease_id"])
        if now["state"] == LeaseState.SETTLED:
            return  # the same report came twice, over two streams
        if now["state"] not in lease_sources(LeaseEvent.SETTLED) or task["state"] != TaskState.OPEN:
            raise LeaseLost(f"the lease ended while its proof was verified: {now['reason']}")
        await end_lease(connection, lease["lease_id"], LeaseState.SETTLED)
        accepted = await connection.fetchval(
            QUERIES["accept_proof"],
            lease["job_id"],
            job_sources(JobEvent.PROOF_ACCEPTED),
            proof_digest,
            dict(report.public),
        )
        if accepted is None:
            raise LeaseLost("the job is not open any more")
        await connection.execute(QUERIES["record_artifact"], proof_digest, task["client"], size_bytes)
        await post_transfers(
            connection,
            pay_for_proof(
                task_id=str(task_id),
                job_id=str(lease["job_id"]),
                operator=Address(lease["operator"]),
                units=lease["units"],
                buy_price=lease["buy_price"],
                sell_price=lease["sell_price"],
                lane=lease["lane"],
                round_number=lease["round"],
            ),
        )
        await connection.execute(QUERIES["count_prover_success"], lease["prover_id"], lease["units"])
        await connection.execute(QUERIES["note_cached_program"], lease["session_id"], lease["program_digest"])
        await append_event(
            connection,
            task_id,
            "proven",
            slice=lease["slice"],
            input=lease["input"],
            prover=lease["prover_id"],
            operator=lease["operator"],
            units=lease["units"],
            buy_price=lease["buy_price"],
            sell_price=lease["sell_price"],
            paid=lease["sell_price"] * lease["units"],
            wall_ms=report.wall_ms,
        )
        await self._move_on(connection, task_id, str(lease["lane"]), spent=lease["buy_price"] * lease["units"])

    async def _move_on(self, connection: Any, task_id: TaskId, lane: str, *, spent: int) -> None:
        row = await connection.fetchrow(QUERIES["count_down_jobs"], task_id, task_sources(TaskEvent.ALL_PROVEN), spent)
        if row["state"] == TaskState.COMBINING:
            await append_event(connection, task_id, "combining")
            await connection.execute(QUERIES["wake_combiners"], str(task_id))
        unblocked = await connection.fetch(QUERIES["unblock_jobs"], task_id, job_sources(JobEvent.UNBLOCKED))
        # The prover is free again in its lane; unblocked jobs wait in theirs.
        for name in sorted({lane, *(row["lane"] for row in unblocked)}):
            await connection.execute(QUERIES["wake_lane"], name)
