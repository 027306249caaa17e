"""The prover node: offers its capacity, proves what it is leased in child processes, hands in the proofs.

lease -> queue for a slot -> fetch by digest -> prove in a child -> report -> (acknowledged) -> forget
  stop, or the lease is lost -> the child is killed       connection lost -> go on proving, report after reconnect
                             -> what is proven is kept, and reported again after each reconnect until it is too late
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import structlog

import proofgrid
from proofgrid.primitives.causes import first_cause
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ArtifactCorrupt, ProofgridError
from proofgrid.primitives.ids import LeaseId, prover_id
from proofgrid.proofs.base import Program
from proofgrid.proofs.manifest import program_from_json
from proofgrid.roles.prover.cell import remove_left_cells
from proofgrid.roles.prover.held import Held, Job
from proofgrid.roles.prover.key_shelf import KeyShelf
from proofgrid.roles.prover.link import Delivered, Link, is_final
from proofgrid.roles.prover.name_wait import WaitsForName
from proofgrid.roles.prover.node_settings import NodeSettings
from proofgrid.roles.prover.nursery import Nursery
from proofgrid.roles.prover.opening import Opener, told_of
from proofgrid.roles.prover.probe import measured
from proofgrid.roles.prover.proving import Proving
from proofgrid.roles.prover.resting import Resting
from proofgrid.roles.prover.sealing_keys import SealingKeys
from proofgrid.roles.prover.session_secret import SessionSecret
from proofgrid.roles.prover.warmth import Isolation
from proofgrid.rules.jobs.confinement import Confinement
from proofgrid.rules.jobs.offers import (
    MOVE,
    Acks,
    Drain,
    JobReport,
    JobTrouble,
    LeaseOffer,
    Leases,
    Notice,
    ProverTerms,
    StageReport,
    Stop,
    Verdict,
    Welcome,
)
from proofgrid.rules.jobs.retry import is_own_failure
from proofgrid.rules.reputation.standing import PAUSED, RESUMED
from proofgrid.sdk.connection import Connection
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_prover import CONNECTED, EARNED, JOBS_FAILED, JOBS_PROVEN, SLOTS
from proofgrid.wire.codec.texts import read_manifests

RENEWS_SECONDS = 600.0  #: between two looks whether it is time for a new key to seal for
UNHEARD_SECONDS = 20.0  #: how long a draining prover waits for somebody to take its finished proofs

NOTICES = {PAUSED: "paused", RESUMED: "resumed"}  #: code -> what it is called where people read it

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, Mapping[str, object]], None]  #: for people: (what happened, details)


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
        self._held = Held()
        self._cached: set[Digest] = set()
        self._programs: dict[Digest, Program] = {}
        self._manifests: dict[Digest, Mapping[str, object]] = {}  #: that those were read of
        self._slots = asyncio.Semaphore(settings.slots)
        self._busy = 0
        self._inbox: asyncio.Queue[Delivered] = asyncio.Queue()
        self._draining = asyncio.Event()
        self._empty = asyncio.Event()
        self._proving: Proving | None = None  #: while running
        self._group: asyncio.TaskGroup | None = None  #: while running
        self._loop = asyncio.get_running_loop()
        self._sealing = SealingKeys.of_folder(settings.directory, clock)
        self._link = Link(
            gateways,
            connection.key,
            terms=self._terms,
            held=self._held.snapshot,
            secret=SessionSecret.of_folder(settings.directory),
            certify=lambda network: self._sealing.certificate(self._key, network=network, name=settings.name),
            deliver=lambda item: self._loop.call_soon_threadsafe(self._inbox.put_nowait, item),
            network=network,
            ca_file=ca_file,
            clock=clock,
        )
        self._confinement = Confinement.UNKNOWN  # until it is measured
        self._keys = KeyShelf(settings.keys, settings.keys_bytes, tell=self._tell)
        self._resting = Resting(
            settings,
            tell=self._tell,
            on_rest=lambda: self._link.send(Drain()),
            on_rested=self._link.move,  # a new hello has new terms
        )

    async def run(self) -> None:
        """Work until drained or cancelled. Raises what the gateway refuses for good, such as malformed terms."""
        self._settings.scratch.mkdir(parents=True, exist_ok=True)
        await self._keys.open()
        await asyncio.to_thread(remove_left_cells, self._settings.scratch)
        self._confinement, bubblewrap = await measured(self._settings.scratch, self._settings.confinement)
        self._resting.bubblewrap = bubblewrap
        if self._settings.check_at_start and not await self._resting.pass_first_check(self._draining):
            return
        self._link.start()
        self._show_slots()
        try:
            warm = self._settings.warm
            log.info("prover_isolation", isolation=Isolation.PROGRAM if warm else Isolation.JOB)
            async with (
                Nursery.open(self._settings.scratch, bounds=warm, bubblewrap=bubblewrap) as nursery,
                asyncio.TaskGroup() as group,
            ):
                self._group = group
                self._proving = Proving(
                    self._connection,
                    self._key,
                    self._settings,
                    clock=self._clock,
                    nursery=nursery,
                    opener=Opener(self._sealing, prover_id(self._key.address, self._settings.name)),
                    goes_on=lambda: not self._draining.is_set(),
                )
                listening = group.create_task(self._listen(group))
                renewing = group.create_task(self._renew_keys())
                await nursery.prepare(self._settings.systems[0], cores=self._settings.cores)
                await self._until_drained()
                listening.cancel()
                renewing.cancel()
                self._resting.cancel()
        except BaseExceptionGroup as errors:
            raise first_cause(errors) from None
        finally:
            await asyncio.to_thread(self._link.close)

    async def _renew_keys(self) -> None:
        while True:
            await asyncio.sleep(RENEWS_SECONDS)
            await asyncio.to_thread(self._sealing.forget_old)
            if self._sealing.is_due:
                self._link.move()  # a new hello has a new key

    def drain(self) -> None:
        """Take no new leases; stop when the held ones are done."""
        self._draining.set()

    async def _until_drained(self) -> None:
        await self._draining.wait()
        self._link.send(Drain())
        self._tell("draining", held=len(self._held.jobs))
        while self._held.jobs or self._held.late:
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
            reserve_price=settings.reserve_price,
            reserve_slots=settings.reserve_slots,
            classes=settings.classes,
            slots=settings.slots,
            cores=settings.cores,
            memory_bytes=settings.memory_bytes,
            region=settings.region,
            version=proofgrid.__version__,
            held=self._held.snapshot(),
            cached_programs=frozenset(self._cached),
            subnetworks=settings.subnetworks,
            confinement=self._confinement,
        )

    # --- what the gateway says -------------------------------------------------------------------

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            item = await self._inbox.get()
            if isinstance(item, ProofgridError):
                CONNECTED.set(0)
                self._tell("disconnected", reason=str(item))
                if is_final(item):
                    raise item
                continue
            match item:
                case WaitsForName():
                    self._tell("waiting_for_name", reason=str(item.error), seconds_left=round(item.seconds_left, 1))
                case Welcome():
                    self._welcomed(item)
                case Leases():
                    self._learn(read_manifests(item))
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
        CONNECTED.set(1)
        self._tell("connected", prover=welcome.prover_id)
        for lease_id in welcome.dropped:
            self._stop(lease_id, "it was given away meanwhile")
        self._held.forget_old(now_seconds=self._clock.running_seconds())
        for report in self._held.reports:
            self._link.send(report)
        for job in list(self._held.jobs.values()):
            if job.report is None and job.said is not None:
                # The first word may have been lost with the stream, and a lease without one goes back.
                self._link.send(job.said)
        if self._draining.is_set() or self._resting.now:
            self._link.send(Drain())

    def _learn(self, manifests: Mapping[Digest, Mapping[str, object]]) -> None:
        for digest, manifest in manifests.items():
            if self._manifests.get(digest) == manifest:
                continue  # else it was deleted and registered again, and may have other files
            self._manifests[digest] = manifest
            program = program_from_json(manifest)
            if program.digest == digest:  # else its jobs fail one by one, and say why
                self._programs[digest] = program

    def _take(self, lease: LeaseOffer, group: asyncio.TaskGroup) -> None:
        if lease.held.lease_id in self._held.jobs:
            return  # told again
        job = Job(lease)
        self._held.add(job)
        job.task = group.create_task(self._work(job))

    def _stop(self, lease_id: LeaseId, reason: str) -> None:
        job = self._held.take_back(lease_id, now_seconds=self._clock.running_seconds())
        self._empty.set()
        if job is not None and job.report is not None:
            self._tell("late", slice=job.lease.slice_index, reason=reason)
        elif job is not None and job.task is not None:
            job.task.cancel()
            self._tell("stopped", slice=job.lease.slice_index, reason=reason)

    def _acknowledged(self, lease_id: LeaseId, verdict: Verdict) -> None:
        job = self._drop(lease_id)
        if job is None:
            return
        earned = (verdict.price or job.lease.price) * job.lease.units
        if verdict.accepted:
            JOBS_PROVEN.add(1)
            EARNED.add(earned)
            self._resting.count_proof()
            self._cached.add(job.lease.program_digest)
            self._tell("paid", slice=job.lease.slice_index, units=job.lease.units, earned=earned)
        else:
            JOBS_FAILED.add(1, verdict.code)
            self._tell("refused", slice=job.lease.slice_index, reason=f"{verdict.code} {verdict.detail}")
            if is_own_failure(verdict.code):
                self._count_failure(f"{verdict.code} {verdict.detail}")

    def _drop(self, lease_id: LeaseId) -> Job | None:
        job = self._held.drop(lease_id)
        self._empty.set()
        return job

    # --- one job ---------------------------------------------------------------------------------

    async def _work(self, job: Job) -> None:
        lease = job.lease
        try:
            async with self._slots:
                self._show_slots(begins=1)
                began = self._clock.running_seconds()
                try:
                    job.report = await self._prove(lease)
                finally:
                    self._show_slots(begins=-1)
                    if told := traces.read_context(lease.trace_context):
                        traces.note("prover", told, self._clock.running_seconds() - began, prover=self._settings.name)
        except ProofgridError as error:
            self._give_back(lease, error.code, told_of(error, lease))
        except OSError as error:
            # Disk full, too many files, no more processes: this machine's weather, not the job's fault.
            self._give_back(lease, "PG-320", f"{type(error).__name__}: {error.strerror}")
        else:
            log.info("prover_proven", name=self._settings.name, slice=lease.slice_index)
            # Not sent now means sent after the next welcome.
            self._link.send(job.report)
        await self._keys.tidy()

    def _show_slots(self, *, begins: int = 0) -> None:
        self._busy += begins
        SLOTS.set(self._busy, "busy")
        SLOTS.set(self._settings.slots - self._busy, "free")

    def _give_back(self, lease: LeaseOffer, code: str, detail: str) -> None:
        JOBS_FAILED.add(1, code)
        self._tell("failed", slice=lease.slice_index, reason=detail)
        self._link.send(JobTrouble(held=lease.held, code=code, detail=detail))
        self._drop(lease.held.lease_id)
        if is_own_failure(code):
            self._count_failure(f"{code} {detail}")

    def _count_failure(self, reason: str) -> None:
        if self._group is not None:
            self._resting.count_failure(reason, self._group)

    async def _prove(self, lease: LeaseOffer) -> JobReport:
        program = self._programs.get(lease.program_digest)
        if program is None or self._proving is None:
            raise ArtifactCorrupt("the manifest of the leased program did not come with the lease")
        on_stage = partial(self._progress, lease)
        return await self._proving.prove(lease, program, network=self._network, on_stage=on_stage)

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
