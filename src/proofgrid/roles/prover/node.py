"""The prover node: offers its capacity, proves what it is leased in child processes, hands in the proofs.

lease -> queue for a slot -> fetch by digest -> prove in a child -> report -> (acknowledged) -> forget
  stop, or the lease is lost -> the child is killed       connection lost -> go on proving, report after reconnect
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

import proofgrid
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, InvalidRequest, ProofgridError, Refused
from proofgrid.primitives.ids import LeaseId
from proofgrid.proofs.base import JobOutput, Program
from proofgrid.proofs.manifest import program_from_json
from proofgrid.roles.prover.link import Link
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.sandbox import ChildLimits, ChildSpec, run_child
from proofgrid.roles.prover.self_check import Check, CheckPlace, check_all, check_unless_known
from proofgrid.rules.jobs.classes import JobClass
from proofgrid.rules.jobs.offers import (
    MOVE,
    Acks,
    Drain,
    HeldLease,
    JobReport,
    JobTrouble,
    LeaseOffer,
    Leases,
    Notice,
    ProverTerms,
    StageReport,
    Stop,
    ToProver,
    Verdict,
    Welcome,
)
from proofgrid.rules.jobs.retry import is_own_failure
from proofgrid.rules.reputation.standing import PAUSED, RESUMED
from proofgrid.rules.staking.results import ResultClaim, public_digest, sign_result
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.transfer import download_file, upload_file
from proofgrid.store.cache import LocalCache
from proofgrid.wire.codec import provers as codec

MEMORY_SLACK_BYTES = 512 << 20  #: what Python and the engine take before they begin

CHECK_AGAIN_FIRST_SECONDS = 2.0  #: after a self-check that failed; doubles
CHECK_AGAIN_MAX_SECONDS = 300.0

UNHEARD_SECONDS = 20.0  #: how long a draining prover waits for somebody to take its finished proofs

NOTICES = {PAUSED: "paused", RESUMED: "resumed"}  #: code -> what it is called where people read it

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, Mapping[str, object]], None]  #: for people: (what happened, details)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """What a prover offers and where it keeps its files."""

    name: str
    asks: Mapping[str, int]
    classes: tuple[JobClass, ...]
    slots: int
    cores: int  #: per job; handed to the engine
    memory_bytes: int
    region: str
    directory: Path  #: cache and scratch
    cache_bytes: int = 20 << 30
    class_asks: Mapping[str, Mapping[JobClass, int]] = field(default_factory=dict)  #: system -> class -> another ask
    units_min: int = 0  #: of one job
    subnetworks: tuple[str, ...] = ()  #: that it serves; empty: the common lanes
    check_at_start: bool = True  #: at the start, unless this engine passed it here before
    failures_max: int = 3  #: of its own children in a row, before it rests and checks itself; 0: never


@dataclass(slots=True)
class _Job:
    lease: LeaseOffer
    task: asyncio.Task[None] | None = None
    report: JobReport | None = None  #: done, not acknowledged yet
    said: StageReport | None = None  #: how far it is


@dataclass(slots=True)
class _Held:
    """The leases by id; the link's heartbeat thread reads them while the event loop writes."""

    jobs: dict[LeaseId, _Job] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def snapshot(self) -> tuple[HeldLease, ...]:
        with self.lock:
            return tuple(job.lease.held for job in self.jobs.values())

    def add(self, job: _Job) -> None:
        with self.lock:
            self.jobs[job.lease.held.lease_id] = job

    def drop(self, lease_id: LeaseId) -> _Job | None:
        with self.lock:
            return self.jobs.pop(lease_id, None)


class ProverNode:
    """One machine of an operator. Run it with `run`; `drain` lets it finish what it holds and stop."""

    def __init__(
        self,
        connection: Connection,
        gateways: list[str],
        settings: NodeSettings,
        *,
        network: str | None,
        ca_file: Path | None,
        clock: Clock,
        on_event: OnEvent = lambda what, details: None,
    ) -> None:
        if connection.key is None:
            raise ValueError("a prover needs its operator's key")
        self._connection = connection
        self._key = connection.key
        self._network = network or ""
        self._settings = settings
        self._clock = clock
        self._on_event = on_event
        self._held = _Held()
        self._cached: set[Digest] = set()
        self._programs: dict[Digest, Program] = {}
        self._slots = asyncio.Semaphore(settings.slots)
        self._inbox: asyncio.Queue[ToProver | ProofgridError] = asyncio.Queue()
        self._draining = asyncio.Event()
        self._failures = 0  #: of own children, in a row
        self._rests = 0  #: since the last proof that was accepted
        self._resting: asyncio.Task[None] | None = None  #: no new leases until a self-check passes
        self._empty = asyncio.Event()
        self._files = LocalCache(settings.directory / "files", settings.cache_bytes)
        self._keys = settings.directory / "keys"
        self._scratch = settings.directory / "scratch"
        self._nursery: Nursery | None = None  #: while running
        self._group: asyncio.TaskGroup | None = None  #: while running
        self._loop = asyncio.get_running_loop()
        self._link = Link(
            gateways,
            connection.key,
            terms=self._terms,
            held=self._held.snapshot,
            deliver=lambda item: self._loop.call_soon_threadsafe(self._inbox.put_nowait, item),
            network=network,
            ca_file=ca_file,
            clock=clock,
        )

    async def run(self) -> None:
        """Work until drained or cancelled. Raises what the gateway refuses for good, such as malformed terms."""
        for directory in (self._keys, self._scratch):
            directory.mkdir(parents=True, exist_ok=True)
        if self._settings.check_at_start and not await self._pass_first_check():
            return
        self._link.start()
        try:
            async with Nursery.open(self._scratch) as nursery, asyncio.TaskGroup() as group:
                self._nursery, self._group = nursery, group
                listening = group.create_task(self._listen(group))
                await nursery.prepare(next(iter(self._settings.asks)), cores=self._settings.cores)
                await self._until_drained()
                listening.cancel()
                if self._resting is not None:
                    self._resting.cancel()
        except BaseExceptionGroup as errors:
            error: BaseException = errors
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
            raise error from None
        finally:
            await asyncio.to_thread(self._link.close)

    def drain(self) -> None:
        """Take no new leases; stop when the held ones are done."""
        self._draining.set()

    async def _until_drained(self) -> None:
        await self._draining.wait()
        self._link.send(Drain())
        self._tell("draining", held=len(self._held.jobs))
        while self._held.jobs:
            self._empty.clear()
            all_proven = all(job.report is not None for job in self._held.jobs.values())
            try:
                async with asyncio.timeout(UNHEARD_SECONDS if all_proven else UNHEARD_SECONDS / 10):
                    await self._empty.wait()
            except TimeoutError:
                if all_proven:
                    # Nobody is there to take the proofs; the network sells these slices again.
                    self._tell("gave_up", held=len(self._held.jobs))
                    return

    def _terms(self) -> ProverTerms:
        settings = self._settings
        return ProverTerms(
            name=settings.name,
            asks=dict(settings.asks),
            class_asks=settings.class_asks,
            units_min=settings.units_min,
            classes=settings.classes,
            slots=settings.slots,
            cores=settings.cores,
            memory_bytes=settings.memory_bytes,
            region=settings.region,
            version=proofgrid.__version__,
            held=self._held.snapshot(),
            cached_programs=frozenset(self._cached),
            subnetworks=settings.subnetworks,
        )

    # --- what the gateway says -------------------------------------------------------------------

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            item = await self._inbox.get()
            if isinstance(item, ProofgridError):
                self._tell("disconnected", reason=str(item))
                if isinstance(item, InvalidRequest) and not isinstance(item, Refused):
                    raise item
                continue
            match item:
                case Welcome():
                    self._welcomed(item)
                case Leases():
                    self._learn(codec.read_manifests(item))
                    for lease in item.leases:
                        self._take(lease, group)
                case Stop():
                    self._stop(item.lease_id, item.reason)
                case Acks():
                    for lease_id, verdict in item.verdicts:
                        self._acknowledged(lease_id, verdict)
                case Notice():
                    self._noticed(item)

    def _noticed(self, notice: Notice) -> None:
        if notice.code == MOVE:
            self._tell("moving", reason=notice.detail)
            self._link.move()
        elif notice.code in NOTICES:
            self._tell(NOTICES[notice.code], reason=notice.detail)
        else:
            log.info("notice", code=notice.code, detail=notice.detail)

    def _welcomed(self, welcome: Welcome) -> None:
        self._network = welcome.network
        self._tell("connected", prover=welcome.prover_id)
        for lease_id in welcome.dropped:
            self._stop(lease_id, "it was given away meanwhile")
        for job in list(self._held.jobs.values()):
            if job.report is not None:
                self._link.send(job.report)
            elif job.said is not None:
                # The first word may have been lost with the stream, and a lease without one goes back.
                self._link.send(job.said)
        if self._draining.is_set() or self._resting is not None:
            self._link.send(Drain())

    def _learn(self, manifests: Mapping[Digest, Mapping[str, object]]) -> None:
        for digest, manifest in manifests.items():
            if digest in self._programs:
                continue
            program = program_from_json(manifest)
            if program.digest == digest:  # else its jobs fail one by one, and say why
                self._programs[digest] = program

    def _take(self, lease: LeaseOffer, group: asyncio.TaskGroup) -> None:
        if lease.held.lease_id in self._held.jobs:
            return  # told again
        job = _Job(lease)
        self._held.add(job)
        job.task = group.create_task(self._work(job))

    def _stop(self, lease_id: LeaseId, reason: str) -> None:
        job = self._drop(lease_id)
        if job is not None and job.task is not None:
            job.task.cancel()
            self._tell("stopped", slice=job.lease.slice_index, reason=reason)

    def _acknowledged(self, lease_id: LeaseId, verdict: Verdict) -> None:
        job = self._drop(lease_id)
        if job is None:
            return
        earned = job.lease.price * job.lease.units
        if verdict.accepted:
            self._failures = self._rests = 0
            self._cached.add(job.lease.program_digest)
            self._tell("paid", slice=job.lease.slice_index, units=job.lease.units, earned=earned)
        else:
            self._tell("refused", slice=job.lease.slice_index, reason=f"{verdict.code} {verdict.detail}")
            if is_own_failure(verdict.code):
                self._count_failure(f"{verdict.code} {verdict.detail}")

    def _drop(self, lease_id: LeaseId) -> _Job | None:
        job = self._held.drop(lease_id)
        self._empty.set()
        return job

    # --- one job ---------------------------------------------------------------------------------

    async def _work(self, job: _Job) -> None:
        lease = job.lease
        try:
            async with self._slots:
                job.report = await self._prove(lease)
        except ProofgridError as error:
            self._give_back(lease, error.code, str(error))
        except OSError as error:
            # Disk full, too many files, no more processes: this machine's weather, not the job's fault.
            self._give_back(lease, "PG-320", f"{type(error).__name__}: {error.strerror}")
        else:
            # Not sent now means sent after the next welcome.
            self._link.send(job.report)

    def _give_back(self, lease: LeaseOffer, code: str, detail: str) -> None:
        self._tell("failed", slice=lease.slice_index, reason=detail)
        self._link.send(JobTrouble(held=lease.held, code=code, detail=detail))
        self._drop(lease.held.lease_id)
        if is_own_failure(code):
            self._count_failure(f"{code} {detail}")

    # --- rest and self-check ---------------------------------------------------------------------

    def _count_failure(self, reason: str) -> None:
        self._failures += 1
        if self._group is not None and self._resting is None and 0 < self._settings.failures_max <= self._failures:
            self._resting = self._group.create_task(self._rest(reason))

    async def _rest(self, reason: str) -> None:
        """Offer nothing until this machine has shown that it can prove; what is held goes on."""
        self._link.send(Drain())
        self._tell("resting", reason=f"{self._failures} jobs in a row failed here, the last: {reason}")
        await asyncio.sleep(min(CHECK_AGAIN_FIRST_SECONDS * 2**self._rests, CHECK_AGAIN_MAX_SECONDS))
        self._rests = min(self._rests + 1, 16)
        await self._until_check_passes(check_all)
        self._failures, self._resting = 0, None
        self._tell("offering", reason="the self-check passed")
        self._link.move()  # a new hello has new terms

    async def _pass_first_check(self) -> bool:
        """Check unless this engine passed here before; False when drained meanwhile."""
        async with asyncio.TaskGroup() as group:
            checking = group.create_task(self._until_check_passes(check_unless_known))
            drained = group.create_task(self._draining.wait())
            await asyncio.wait({checking, drained}, return_when=asyncio.FIRST_COMPLETED)
            passed = checking.done()
            checking.cancel()
            drained.cancel()
        return passed

    async def _until_check_passes(self, check: Check) -> None:
        wait_seconds = CHECK_AGAIN_FIRST_SECONDS
        while failed := [report for report in await check(self._place_of_checks()) if not report.passed]:
            self._tell("self_check_failed", reason=failed[0].said, again_in_seconds=wait_seconds)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, CHECK_AGAIN_MAX_SECONDS)

    def _place_of_checks(self) -> CheckPlace:
        settings = self._settings
        return CheckPlace(
            systems=tuple(settings.asks),
            known=settings.directory / "self-checks",
            scratch=self._scratch,
            cores=settings.cores,
        )

    async def _prove(self, lease: LeaseOffer) -> JobReport:
        program = self._programs.get(lease.program_digest)
        if program is None:
            raise ArtifactCorrupt("the manifest of the leased program did not come with the lease")
        self._progress(lease, "fetch", 0)
        with tempfile.TemporaryDirectory(dir=self._scratch) as workdir:
            async with AsyncExitStack() as stack:
                names = program.slices[lease.slice_index].files
                paths = {name: await self._at_hand(program.files[name], stack) for name in names}
                job_input = await self._input_of(lease, Path(workdir), stack)
                started_ms = self._clock.now_ms()
                output = await self._run_child(lease, program, paths, job_input, Path(workdir))
                wall_ms = self._clock.now_ms() - started_ms
                return await self._report(lease, output, wall_ms, Path(workdir))

    async def _at_hand(self, digest: Digest, stack: AsyncExitStack) -> Path:
        return await stack.enter_async_context(
            self._files.pinned(digest, partial(download_file, self._connection, digest))
        )

    async def _input_of(self, lease: LeaseOffer, workdir: Path, stack: AsyncExitStack) -> Path:
        if lease.small_input is None:
            return await self._at_hand(lease.input_digest, stack)
        if digest_of(lease.small_input) != lease.input_digest:
            raise ArtifactCorrupt("the input that came with the lease does not hash to its digest")
        path = workdir / "input"
        await asyncio.to_thread(path.write_bytes, lease.small_input)
        return path

    async def _run_child(
        self, lease: LeaseOffer, program: Program, paths: Mapping[str, Path], job_input: Path, workdir: Path
    ) -> JobOutput:
        spec = ChildSpec(
            proof_system=program.proof_system,
            program=program,
            paths=paths,
            slice_index=lease.slice_index,
            job_input=job_input,
            cache=self._keys,
            workdir=workdir,
        )
        limits = ChildLimits(
            memory_bytes=lease.memory_bytes + MEMORY_SLACK_BYTES,
            timeout_seconds=lease.timeout_ms / 1000,
            cores=self._settings.cores,
        )

        def on_progress(stage: str, permille: int) -> None:
            # The next lease comes while this job's proof is judged: by then its child has to be there.
            if self._nursery is not None and not self._draining.is_set():
                self._nursery.prepare_soon(program.proof_system, cores=self._settings.cores)
            self._progress(lease, stage, permille)

        return await run_child(spec, limits=limits, on_progress=on_progress, nursery=self._nursery)

    async def _report(self, lease: LeaseOffer, output: JobOutput, wall_ms: int, workdir: Path) -> JobReport:
        proof, proof_digest = output.proof, None
        signature = self._sign(lease, output)
        if len(proof) > codec.SMALL_PROOF_BYTES:
            self._progress(lease, "upload", 0)
            path = workdir / "proof-to-upload"
            await asyncio.to_thread(path.write_bytes, proof)
            proof_digest = await upload_file(self._connection, path, lease_id=str(lease.held.lease_id))
            proof = b""
        return JobReport(
            held=lease.held,
            proof=proof,
            proof_digest=proof_digest,
            public=output.public,
            wall_ms=max(0, wall_ms),
            memory_peak_bytes=0,
            signature=signature,
        )

    def _sign(self, lease: LeaseOffer, output: JobOutput) -> str:
        """Stand for a result with the operator's key."""
        claim = ResultClaim(
            network=self._network,
            lease_id=str(lease.held.lease_id),
            fence=lease.held.fence,
            job_id=str(lease.job_id),
            program=lease.program_digest,
            slice=lease.slice_index,
            proof=digest_of(output.proof),
            public=public_digest(output.public),
        )
        return sign_result(claim, self._key)

    def _progress(self, lease: LeaseOffer, stage: str, permille: int) -> None:
        self._tell("stage", slice=lease.slice_index, stage=stage)
        said = StageReport(held=lease.held, stage=stage, permille=permille)
        job = self._held.jobs.get(lease.held.lease_id)
        if job is not None:
            job.said = said
        self._link.send(said)

    def _tell(self, what: str, **details: object) -> None:
        log.info(f"prover_{what}", name=self._settings.name, **details)
        self._on_event(what, details)
