"""A prover hands a lease back and blames somebody else: the gateway looks whether that is so (rules/jobs/excuses.py).

    blame the store's copy -> read every artifact of the job and hash it
    blame the store, a gateway -> did this gateway, or another one, fail since the lease was sold? Does the store now?
    this input cannot be proven -> try it in a worker, where the proof system can tell

Reading may take a while: who asks holds the lease meanwhile. A store that is away is nobody's fault, whatever was said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, ProofgridError, Recoverable
from proofgrid.primitives.ids import LeaseId
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.jobs.excuses import Checks, ExcuseRule, Finding
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import LOCK_SILENT_MS, Database
from proofgrid.store.leases import EXCUSED_JOB, ExcusedJob
from proofgrid.store.troubles import Troubles
from proofgrid.store.vault import input_of_row

CHECK_SECONDS = 25.0  #: for one excuse; what cannot be checked in this time is not known
CHECKS_AT_ONCE = 2
INPUT_BYTES_MAX = 1 << 30

log = structlog.get_logger(__name__)

Checked = tuple[ReturnReason, str]  #: what the lease ends for, and what the gateway found, in words


class Checking:
    """Judges what provers say of leases that they hand back."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        troubles: Troubles,
        *,
        scratch: Path,
    ) -> None:
        self._database = database
        self._workers = workers
        self._scratch = scratch
        self._artifacts = artifacts
        self._library = library
        self._troubles = troubles
        self._turns = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def check(self, rule: ExcuseRule, lease_id: LeaseId) -> Checked:
        """Return what a lease ends for whose prover says this. Raises Unavailable when the database is away."""
        if rule.checks is Checks.NOBODY:
            return rule.unknown, ""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            found = await connection.value(EXCUSED_JOB, lease_id=lease_id, silent_ms=LOCK_SILENT_MS)
        job = replace(found, small_input=input_of_row(self._database.vault, found.small_input))
        try:
            async with self._turns, asyncio.timeout(CHECK_SECONDS):
                checked = await self._look(rule, job)
        except TimeoutError:
            checked = rule.unknown, f"the gateway could not check that in {CHECK_SECONDS:g} s"
        log.info("excuse_checked", lease_id=str(lease_id), codes=rule.codes, reason=checked[0].value, found=checked[1])
        return checked

    async def why_refused(self, report: JobReport, error: ProofgridError) -> ReturnReason:
        """Return what a lease ends for whose result was not accepted: a proof that is not where it says is its own."""
        if not isinstance(error, Recoverable):
            return ReturnReason.BAD_PROOF
        if report.proof_digest is not None and isinstance(error, ArtifactMissing | ArtifactCorrupt):
            try:
                await _drained(self._artifacts.open_stream(report.proof_digest))
            except (ArtifactMissing, ArtifactCorrupt):
                return ReturnReason.UNCONFIRMED
            except Recoverable:
                pass
        return ReturnReason.STORE_FAULT

    async def _look(self, rule: ExcuseRule, job: ExcusedJob) -> Checked:
        if rule.checks is Checks.ARTIFACTS:
            return await self._look_at_artifacts(rule, job)
        if rule.checks is Checks.WEATHER:
            return await self._look_at_weather(rule, job)
        return await self._try_input(rule, job)

    async def _look_at_artifacts(self, rule: ExcuseRule, job: ExcusedJob) -> Checked:
        try:
            for digest in await self._artifacts_of(job):
                if self._troubles.was_lost(digest, within_seconds=job.age_ms / 1_000):
                    return rule.reason(Finding.TRUE), f"the gateway could not read {digest} either"
                await _drained(self._artifacts.open_stream(digest))
        except (ArtifactMissing, ArtifactCorrupt) as error:
            return rule.reason(Finding.TRUE), f"the gateway looked: {error.detail}"
        except Recoverable as error:
            return ReturnReason.STORE_FAULT, f"the gateway looked: {error.detail}"
        if job.small_input is not None and digest_of(job.small_input) != job.input_digest:
            return rule.reason(Finding.TRUE), "the gateway looked: the input in the database is another one"
        return rule.reason(Finding.FALSE), "the gateway read all that the job needs, and it is whole"

    async def _look_at_weather(self, rule: ExcuseRule, job: ExcusedJob) -> Checked:
        if job.gateway_failed:
            return rule.reason(Finding.TRUE), "a gateway went away since the lease was sold"
        if self._troubles.was_away(within_seconds=job.age_ms / 1_000):
            return rule.reason(Finding.TRUE), "the gateway met the same trouble since the lease was sold"
        try:
            for digest in await self._artifacts_of(job):
                await self._artifacts.exists(digest)
        except Recoverable as error:
            return rule.reason(Finding.TRUE), f"the gateway looked: {error.detail}"
        return rule.reason(Finding.UNKNOWN), "the gateway met no such trouble, and its store answers"

    async def _try_input(self, rule: ExcuseRule, job: ExcusedJob) -> Checked:
        if job.wraps:
            # What it takes was verified before it was sold, and what verifies can be wrapped (MakesOneProof).
            return rule.reason(Finding.FALSE), "the gateway has verified all proofs that it takes"
        if job.is_sealed:
            return rule.unknown, ""  # nobody but its provers reads it
        try:
            program = await self._library.program(job.program_digest)
            job_input = job.small_input
            if job_input is None:
                job_input = await self._artifacts.read_bytes(job.input_digest, limit_bytes=INPUT_BYTES_MAX)
            async with self._library.at_hand(program, program.spec(job.slice).files) as files:
                can_be_proven = await self._workers.call(
                    in_worker.can_be_proven,
                    program.proof_system,
                    files,
                    job.slice,
                    job_input,
                    self._scratch,
                    timeout_seconds=CHECK_SECONDS,
                    urgency=Urgency.BUILDING,
                )
        except ProofgridError as error:
            # Whatever kept the gateway from trying says nothing of the input: others shall.
            log.warning("input_not_tried", code=error.code, detail=without_last_words(error.detail))
            return rule.unknown, ""
        if can_be_proven is None:
            return rule.unknown, ""
        if can_be_proven:
            return rule.reason(Finding.FALSE), "the gateway tried the input, and it can be proven"
        return rule.reason(Finding.TRUE), "the gateway tried the input, and it cannot be proven"

    async def _artifacts_of(self, job: ExcusedJob) -> Sequence[Digest]:
        try:
            program = await self._library.program(job.program_digest)
        except ProofgridError as error:
            if isinstance(error, Recoverable):
                raise
            return []  # retention took the program away with all that is left of the job
        files = [*(program.files[name] for name in program.spec(job.slice).files), *job.proof_digests]
        return files if job.small_input is not None else [job.input_digest, *files]


async def _drained(pieces: AsyncIterator[bytes]) -> None:
    async for _ in pieces:
        pass
