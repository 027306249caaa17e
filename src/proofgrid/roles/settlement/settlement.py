"""A proof counts only after it was verified here; then, in one transaction, it is paid and the task moves on.

    reports --together--> read their leases --by program--> verify in workers --together--> pay (payment.py)

A program whose proofs are verified in no time has them verified and paid by the hundred; others go one by one to as
many workers as there are. A proof that does not verify leaves its batch; it never takes the others down.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import (
    LeaseLost,
    Recoverable,
    SettlementStopped,
)
from proofgrid.primitives.ids import Address, ProverId, SessionId
from proofgrid.proofs.base import Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.settlement.payment import Proven, pay
from proofgrid.roles.settlement.verifying import Fault, Reported, Verifying
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.lifecycle import LeaseEvent, LeaseState, lease_sources
from proofgrid.rules.jobs.limits import SMALL_ARTIFACT_BYTES
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.ledger.settlement import SurplusTo
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database
from proofgrid.store.sessions import NOTE_CACHED_PROGRAMS
from proofgrid.store.settlement import LEASES_OF_REPORTS, REPORT_LEASES, ReportedLease
from proofgrid.store.transactions import Transaction
from proofgrid.store.work import POLICY as REPUTATION

QUEUE_MARGIN_SECONDS = 2.0  #: a lease with less left is noted as reported while its result waits to be judged
PROOF_BYTES_MAX = 64 << 20
REPORTS_PER_BATCH = 512
STORE_DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  #: far less than a reported lease lives

_CAN_BE_SETTLED = frozenset(lease_sources(LeaseEvent.SETTLED))

log = structlog.get_logger(__name__)

Outcome = ProverId | Fault  #: who is paid, or why nobody is


class Settlement:
    """Judges results and pays for proofs. Needs its `run` in a TaskGroup."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        scratch: Path,
        clock: Clock,
        report_ms: int,
        hedging: HedgePolicy,
        reputation: ReputationPolicy = REPUTATION,
        surplus_to: SurplusTo = SurplusTo.TREASURY,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._verifying = Verifying(library, workers, scratch=scratch, clock=clock, on_quick=self._note_quick)
        self._report_ms = report_ms
        self._hedging = hedging
        self._reputation = reputation
        self._surplus_to = surplus_to
        self._leases: Batches[JobReport, ReportedLease | None] = Batches(
            self._read_leases, size_max=REPORTS_PER_BATCH, at_once=2
        )
        self._single: Batches[Reported, ProverId] = Batches(self._settle, size_max=1, at_once=max(2, workers.count))
        self._quick: dict[Digest, Batches[Reported, ProverId]] = {}
        self._cached: dict[Digest, set[SessionId]] = defaultdict(set)  #: sessions that proved a program
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Settle what is reported until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._leases.run())
            group.create_task(self._single.run())

    async def settle(self, reports: Sequence[JobReport], operator: Address) -> list[Outcome]:
        """Verify results and pay for them; return the prover that is paid for each, or why nobody is.

        That is BadProof for anything that is no valid proof of the job, LeaseLost when the lease is not the reporter's
        any more (a second report of a settled lease is answered like the first), ArtifactMissing or ArtifactCorrupt
        when an uploaded proof cannot be read, Unavailable when the database is away.
        """
        outcomes: list[Outcome | None] = [None] * len(reports)
        to_judge: dict[Digest, dict[int, Reported]] = defaultdict(dict)
        leases = await self._leases.add_all(reports)
        for place, (report, lease) in enumerate(zip(reports, leases, strict=True)):
            judgeable = _judgeable(lease, report, operator)
            if isinstance(judgeable, ReportedLease):
                to_judge[judgeable.program_digest][place] = (report, judgeable)
            else:
                outcomes[place] = judgeable
        judged = await asyncio.gather(*(self._judge(program, items) for program, items in to_judge.items()))
        for settled in judged:
            for place, outcome in settled.items():
                outcomes[place] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    async def _judge(self, program: Digest, items: Mapping[int, Reported]) -> dict[int, Outcome]:
        batches = self._quick.get(program, self._single)
        reported = list(items.values())
        judging = asyncio.ensure_future(batches.add_all(reported))
        try:
            done, _ = await asyncio.wait({judging}, timeout=_patience_seconds(reported))
            if not done:
                await self._give_time(reported)  # others are judged first: that is not for the provers' clocks
            return dict(zip(items, await judging, strict=True))
        finally:
            judging.cancel()

    async def _read_leases(self, reports: list[JobReport]) -> list[ReportedLease | None]:
        ids = [report.held.lease_id for report in reports]
        async with self._database.connection() as connection:
            found = {lease.lease_id: lease for lease in await connection.fetch(LEASES_OF_REPORTS, lease_ids=ids)}
        return [found.get(report.held.lease_id) for report in reports]

    # --- verify and pay --------------------------------------------------------------------------

    async def _settle(self, batch: list[Reported]) -> Sequence[Outcome]:
        """Settle reports of one program."""
        program = await self._library.program(batch[0][1].program_digest)
        if program.digest not in self._quick:
            await self._give_time(batch)
        contents = await asyncio.gather(*(self._content(report) for report, _ in batch), return_exceptions=True)
        outcomes: list[Outcome | None] = list(await self._verifying.verify(program, batch, contents))
        proven = {
            place: await self._proven(report, lease, content)
            for place, ((report, lease), content) in enumerate(zip(batch, contents, strict=True))
            if outcomes[place] is None and isinstance(content, bytes)
        }
        if proven:
            try:
                async with self._database.transaction(Transaction.PAY_PROOFS) as connection:
                    paid = await pay(
                        connection,
                        list(proven.values()),
                        self._hedging,
                        self._reputation,
                        surplus_to=self._surplus_to,
                    )
            except SettlementStopped:
                # Their provers say it again; until then their leases are kept (the dispatcher's watch).
                await self._give_time([batch[place] for place in proven])
                raise
            for place, one in proven.items():
                outcomes[place] = paid[one.lease.lease_id]
            await self._note_cached(program, [one.lease for one in proven.values()])
        return [outcome for outcome in outcomes if outcome is not None]

    async def _note_cached(self, program: Program, leases: Sequence[ReportedLease]) -> None:
        """Note whose keys for the program are derived now: a hint for ranks, so it has no part in paying."""
        fresh = {lease.session_id for lease in leases} - self._cached[program.digest]
        if fresh:
            self._cached[program.digest] |= fresh
            await self._database.write(
                Transaction.NOTE_CACHED, NOTE_CACHED_PROGRAMS, session_ids=sorted(fresh), program=program.digest
            )

    async def _give_time(self, batch: list[Reported]) -> None:
        """Stop the provers' clocks: verification has its own time."""
        await self._database.write(
            Transaction.NOTE_REPORTS,
            REPORT_LEASES,
            lease_ids=[lease.lease_id for _, lease in batch],
            report_ms=self._report_ms,
            sources=lease_sources(LeaseEvent.REPORTED),
        )

    async def _content(self, report: JobReport) -> bytes:
        if report.proof_digest is None:
            return report.proof
        return await self._artifacts.read_bytes(report.proof_digest, limit_bytes=PROOF_BYTES_MAX)

    async def _proven(self, report: JobReport, lease: ReportedLease, content: bytes) -> Proven:
        small = len(content) <= SMALL_ARTIFACT_BYTES
        digest = digest_of(content) if small else await self._store_patiently(content)
        return Proven(
            lease=lease,
            report=report,
            proof_digest=digest,
            small_proof=content if small else None,
            size_bytes=len(content),
        )

    async def _store_patiently(self, content: bytes) -> Digest:
        # The work is done and found right: it is not thrown away because the store is away for a moment.
        for delay_seconds in STORE_DELAYS_SECONDS:
            try:
                return await self._artifacts.put_bytes(content)
            except Recoverable as error:
                log.warning("proof_not_stored", reason=str(error), again_in_seconds=delay_seconds)
            await asyncio.sleep(delay_seconds)
        return await self._artifacts.put_bytes(content)

    def _note_quick(self, program: Program) -> None:
        if program.digest not in self._quick and self._group is not None:
            batches: Batches[Reported, ProverId] = Batches(self._settle, size_max=REPORTS_PER_BATCH, at_once=2)
            self._quick[program.digest] = batches
            self._group.create_task(batches.run())


def _patience_seconds(reported: Sequence[Reported]) -> float:
    """Return how long results may wait before their leases would run out meanwhile."""
    left_seconds: float = min(lease.left_ms for _, lease in reported) / 1_000
    return max(0.0, left_seconds - QUEUE_MARGIN_SECONDS)


def _judgeable(
    lease: ReportedLease | BaseException | None, report: JobReport, operator: Address
) -> ReportedLease | Outcome:
    """Return the lease whose result is to be verified, or what needs no verification to be said."""
    if isinstance(lease, BaseException):
        return lease
    if lease is None or lease.fence != report.held.fence or lease.operator != operator:
        return LeaseLost("no lease of yours has this id and fence")
    if lease.state == LeaseState.SETTLED:
        return lease.prover_id
    if lease.state not in _CAN_BE_SETTLED:
        return LeaseLost(f"the lease is {lease.state}: {lease.reason}")
    return lease
