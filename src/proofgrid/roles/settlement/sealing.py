"""Bundles of tasks whose proofs are all there: combined, composed, signed, and verified as any client would.

    read the proofs --> combine (worker) --> compose and sign (here) --> verify the whole (worker) --> store if large

Tasks of one program go through this together. What they come to is held in memory, or in files where it is much.
The network's key stays here: workers read what strangers wrote. A fault of one task is its own verdict.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import BadBundle, ProofgridError
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import PartialProof, Program, ProgramFiles
from proofgrid.proofs.bundles.bundle import bundle_bytes, write_bundle
from proofgrid.proofs.bundles.container import Content
from proofgrid.proofs.bundles.manifest import BundleJob, BundleTask, Manifest, Wrapped, for_verifiers
from proofgrid.proofs.bundles.sealing import Combined, combine_tasks, verify_sealed
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.pool.child import OWN_SCRATCH
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.settlement.finishing import Sealed
from proofgrid.roles.settlement.parts import read_part
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.jobs.limits import SMALL_BUNDLE_BYTES
from proofgrid.rules.scheduling.calls import pieces_per_call
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.combining import PROOFS_OF_TASKS, ClaimedTask, ProvenJob
from proofgrid.store.database import Database

COMBINE_TIMEOUT_SECONDS = 540.0
IN_MEMORY_BYTES = 8 << 20  #: bundles that are sealed together are held in memory up to here
QUICK_SECONDS = 0.05  #: a bundle that is verified faster is worth no worker call and no transaction of its own

Verdict = Sealed | ProofgridError


@dataclass(frozen=True, slots=True)
class _Proven:
    """A task with what is known of its jobs, in the order of its bundle."""

    task: ClaimedTask
    statement: Mapping[str, Json]
    jobs: list[ProvenJob]
    parts: list[PartialProof]
    program: Program

    @property
    def is_one_proof(self) -> bool:
        """Is its last job a proof of all others?"""
        return any(self.program.is_wrap(job.slice) for job in self.jobs)

    @property
    def listed(self) -> list[ProvenJob]:
        """The jobs whose proofs the bundle holds."""
        return [max(self.jobs, key=_position)] if self.is_one_proof else self.jobs

    @property
    def size_bytes(self) -> int:
        """About what its bundle will have without the program's files."""
        if self.task.size_bytes is not None:
            return self.task.size_bytes
        return sum(len(part.output.proof) for part in self.parts)

    @property
    def proofs(self) -> dict[Digest, Content]:
        """The proofs, by their digests."""
        listed = {job.job_id for job in self.listed}
        return {
            job.proof_digest: part.output.proof
            for job, part in zip(self.jobs, self.parts, strict=True)
            if job.job_id in listed
        }

    def manifest(self, network: Address, program: Program, result: Combined) -> Manifest:
        """Say what its bundle says; `program` has the files of a verifier only."""
        return Manifest(
            network=network,
            task=BundleTask(
                task_id=self.task.task_id,
                client=self.task.client,
                created_ms=self.task.created_ms,
                finished_ms=self.jobs[0].now_ms,
            ),
            program=program,
            statement=self.statement,
            result=result,
            jobs=tuple(_bundle_job(job) for job in self.listed),
            wrapped=_wrapped(self.jobs) if self.is_one_proof else None,
        )


@dataclass(frozen=True, slots=True)
class _Composed:
    """A task with its result and a signed bundle that nobody has verified."""

    task: ClaimedTask
    result: Combined
    bundle: Content


class Sealer:
    """Makes bundles, and stores those that are too large for a row."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        keys: NetworkKeys,
        scratch: Path,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._keys = keys
        self._scratch = scratch
        #: programs whose bundles are verified in no time: in how many seconds of the processor
        self.quick: dict[Digest, float] = {}
        self.slow: set[Digest] = set()  #: programs whose bundles are not

    def group_size(self, program: Digest) -> int:
        """Return how many tasks of a program go together at most."""
        return pieces_per_call(self.quick[program]) if program in self.quick else 1

    async def seal(self, tasks: Sequence[ClaimedTask]) -> list[Verdict]:
        """Return for each task of one program its bundle, or what is wrong with it.

        Raises Recoverable for what is nobody's fault or of which nobody knows whose: JobCrashed, JobTimedOut.
        """
        program = await self._library.program(tasks[0].program_digest)
        proven = await self._proven(program, tasks)
        async with self._library.at_hand(program, program.verifying_files) as files:
            results = await self._workers.call(
                combine_tasks,
                program.proof_system,
                files,
                [(one.statement, one.parts) for one in proven],
                OWN_SCRATCH,
                timeout_seconds=COMBINE_TIMEOUT_SECONDS,
                urgency=Urgency.SEALING,
            )
            async with self._composed(files, proven, results) as composed:
                verdicts = await self._verified(program, composed)
                return [one if isinstance(one, ProofgridError) else await self._stored(one) for one in verdicts]

    async def _proven(self, program: Program, tasks: Sequence[ClaimedTask]) -> list[_Proven]:
        async with self._database.connection(Urgency.SEALING) as connection:
            rows = await connection.fetch(PROOFS_OF_TASKS, task_ids=[task.task_id for task in tasks])
        jobs: dict[TaskId, list[ProvenJob]] = defaultdict(list)
        for row in rows:
            jobs[row.task_id].append(row)
        return [
            _Proven(
                task=task,
                statement=next((row.statement for row in jobs[task.task_id] if row.statement is not None), {}),
                jobs=jobs[task.task_id],
                parts=[await read_part(self._artifacts, row) for row in jobs[task.task_id]],
                program=program,
            )
            for task in tasks
        ]

    @asynccontextmanager
    async def _composed(
        self, files: ProgramFiles, proven: Sequence[_Proven], results: Sequence[Combined | ProofgridError]
    ) -> AsyncIterator[list[_Composed | ProofgridError]]:
        """Yield signed bundles, in memory or in a folder that is gone afterwards."""
        # Whatever touches the disk may wait for it, behind somebody's fsync: not on the event loop.
        composed, folder = await asyncio.to_thread(self._compose, files, proven, results)
        try:
            yield composed
        finally:
            if folder is not None:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _compose(
        self, files: ProgramFiles, proven: Sequence[_Proven], results: Sequence[Combined | ProofgridError]
    ) -> tuple[list[_Composed | ProofgridError], Path | None]:
        paths = {files.program.files[name]: files.path(name) for name in files.program.verifying_files}
        file_bytes = sum(path.stat().st_size for path in paths.values())
        in_memory = sum(file_bytes + one.size_bytes for one in proven) <= IN_MEMORY_BYTES
        folder = None if in_memory else Path(tempfile.mkdtemp(dir=self._scratch))
        held: dict[Digest, Content] = (
            {digest: path.read_bytes() for digest, path in paths.items()} if in_memory else {**paths}
        )
        program = for_verifiers(files.program)
        composed: list[_Composed | ProofgridError] = []
        for place, (one, result) in enumerate(zip(proven, results, strict=True)):
            if isinstance(result, ProofgridError):
                composed.append(result)
                continue
            path = None if folder is None else folder / f"bundle-{place}"
            try:
                bundle = self._bundle(one.manifest(self._keys.network, program, result), held | one.proofs, path)
            except (BadBundle, TypeError, ValueError) as error:  # what its proof system made of it cannot be spelled
                composed.append(error if isinstance(error, BadBundle) else BadBundle(str(error), field="manifest"))
            else:
                composed.append(_Composed(one.task, result, bundle))
        return composed, folder

    def _bundle(self, manifest: Manifest, contents: Mapping[Digest, Content], path: Path | None) -> Content:
        voice = self._keys.voice(Purpose.BUNDLES)
        if path is None:
            return bundle_bytes(manifest, contents=contents, key=voice)
        write_bundle(path, manifest, contents=contents, key=voice)
        return path

    async def _verified(
        self, program: Program, composed: Sequence[_Composed | ProofgridError]
    ) -> list[_Composed | ProofgridError]:
        """Verify by the same code as `proofgrid verify`, on the bytes that clients will get."""
        whole = [one for one in composed if not isinstance(one, ProofgridError)]
        if not whole:
            return list(composed)
        faults, seconds = await self._workers.call(
            verify_sealed,
            [one.bundle for one in whole],
            program.digest,
            self._keys.network,
            OWN_SCRATCH,
            timeout_seconds=COMBINE_TIMEOUT_SECONDS,
            urgency=Urgency.SEALING,
        )
        self._note_speed(program.digest, seconds / len(whole))
        verdicts = iter([fault or one for one, fault in zip(whole, faults, strict=True)])
        return [one if isinstance(one, ProofgridError) else next(verdicts) for one in composed]

    def _note_speed(self, program: Digest, seconds_each: float) -> None:
        # One measurement may be off: what was quick is not given up lightly.
        if seconds_each < (2 * QUICK_SECONDS if program in self.quick else QUICK_SECONDS):
            self.slow.discard(program)
            self.quick[program] = seconds_each
        else:
            self.quick.pop(program, None)
            self.slow.add(program)

    async def _stored(self, one: _Composed) -> Sealed:
        if isinstance(one.bundle, Path):
            digest, size_bytes = await self._artifacts.put_file(one.bundle)
            return Sealed(task=one.task, result=one.result, bundle=digest, size_bytes=size_bytes, content=None)
        small = len(one.bundle) <= SMALL_BUNDLE_BYTES
        return Sealed(
            task=one.task,
            result=one.result,
            bundle=digest_of(one.bundle) if small else await self._artifacts.put_bytes(one.bundle),
            size_bytes=len(one.bundle),
            content=one.bundle if small else None,
        )


def _wrapped(rows: Sequence[ProvenJob]) -> Wrapped:
    """Return what is said of all jobs but the last."""
    inside = sorted(rows, key=_position)[:-1]
    return Wrapped(
        jobs=len(inside),
        units=sum(row.units for row in inside),
        paid=sum(row.sell_price * row.units for row in inside),
    )


def _position(row: ProvenJob) -> int:
    return row.position


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
