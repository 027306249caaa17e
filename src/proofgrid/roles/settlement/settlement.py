"""A proof counts only after it was verified here; then, in one transaction, it is paid and the task moves on.

    reports --together--> read their leases --by program--> verify in workers --together--> pay (payment.py)

A program whose proofs are verified in no time has them verified by the hundred; others go one by one to as many
workers as there are. What was verified meanwhile is paid together, whatever its program. A proof that does not verify,
or that the ledger refuses, leaves its batch; it never takes the others down.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import (
    LeaseLost,
    Recoverable,
    SettlementStopped,
)
from proofgrid.primitives.ids import Address, LeaseId, SessionId
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.settlement.lateness import LATE_LEASES, may_come_late
from proofgrid.roles.settlement.payment import Proven, pay
from proofgrid.roles.settlement.signing import unsigned_among
from proofgrid.roles.settlement.verifying import Fault, Reported, Verifying
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.lifecycle import LeaseEvent, LeaseState, lease_sources
from proofgrid.rules.jobs.limits import PROOF_BYTES_MAX, SMALL_ARTIFACT_BYTES
from proofgrid.rules.jobs.offers import JobReport, Paid
from proofgrid.rules.jobs.phases import PhasePolicy
from proofgrid.rules.ledger.settlement import SurplusTo
from proofgrid.rules.reputation.standing import ReputationPolicy
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database
from proofgrid.store.seating import Seating
from proofgrid.store.sessions import NOTE_CACHED_PROGRAMS
from proofgrid.store.settlement import LEASES_OF_REPORTS, REPORT_LEASES, ReportedLease
from proofgrid.store.transactions import Transaction
from proofgrid.store.work import POLICY as REPUTATION
from proofgrid.telemetry import traces

QUEUE_MARGIN_SECONDS = 2.0  #: a lease with less left is noted as reported while its result waits to be judged
REPORTS_PER_BATCH = 512
STORE_DELAYS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  #: far less than a reported lease lives

_CAN_BE_SETTLED = frozenset(lease_sources(LeaseEvent.SETTLED))

log = structlog.get_logger(__name__)

Outcome = Paid | Fault  #: who is paid, or why nobody is


class Settlement:
    """Judges results and pays for proofs. Needs its `run` in a TaskGroup.

    `signed_for`: the network whose operators sign every result, because it asks for bonds; None: nobody has to.
    """

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        scratch: Path,
        clock: Clock,
        phases: PhasePolicy,
        hedging: HedgePolicy,
        reputation: ReputationPolicy = REPUTATION,
        surplus_to: SurplusTo = SurplusTo.TREASURY,
        signed_for: Address | None = None,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._verifying = Verifying(library, workers, scratch=scratch, clock=clock, on_quick=self._note_quick)
        self._report_ms = phases.report_ms
        self._seating = Seating(phases=phases, clock=clock)
        self._hedging = hedging
        self._reputation = reputation
        self._surplus_to = surplus_to
        self._signed_for = signed_for
        self._leases: Batches[JobReport, ReportedLease | None] = Batches(
            self._read_leases, size_max=REPORTS_PER_BATCH, at_once=2, of="leases"
        )
        self._single: Batches[Reported, Paid] = Batches(
            self._settle, size_max=1, at_once=max(2, workers.count), of="proofs"
        )
        # One payment at a time: two of one gateway would wait for each other's tasks and accounts in the database.
        self._paying: Batches[Proven, Paid | LeaseLost] = Batches(
            self._pay_all, size_max=REPORTS_PER_BATCH, of="payments"
        )
        self._quick: dict[Digest, Batches[Reported, Paid]] = {}
        self._late: set[LeaseId] = set()  #: leases of which a late result is judged now
        self._cached: dict[Digest, set[SessionId]] = defaultdict(set)  #: sessions that proved a program
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Settle what is reported until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._leases.run())
            group.create_task(self._single.run())
            group.create_task(self._paying.run())

    async def settle(self, reports: Sequence[JobReport], operator: Address) -> list[Outcome]:
        """Verify results and pay for them; return who is paid for each and at which price, or why nobody is.

        That is BadProof for anything that is no valid proof of the job, UnsignedResult before that where signatures are
        asked for, LeaseLost when the lease is not the reporter's any more and nothing is taken late of it (a second
        report of a settled lease is answered like the first), ArtifactMissing or ArtifactCorrupt when an uploaded
        proof cannot be read, Unavailable when the database is away.
        """
        outcomes: dict[int, Outcome] = {}
        to_judge: dict[int, Reported] = {}
        late: set[LeaseId] = set()
        for place, lease in enumerate(await self._leases.add_all(reports)):
            judgeable = _judgeable(lease, reports[place], operator)
            if not isinstance(judgeable, ReportedLease):
                outcomes[place] = judgeable
            elif judgeable.state not in LATE_LEASES:
                to_judge[place] = reports[place], judgeable
            elif judgeable.lease_id in self._late:
                # Its prover has nothing to lose by saying it again, and we have a verification to lose.
                outcomes[place] = LeaseLost("a late result of this lease is judged already")
            else:
                self._late.add(judgeable.lease_id)
                late.add(judgeable.lease_id)
                to_judge[place] = reports[place], judgeable
        try:
            outcomes |= await self._judge_signed(to_judge)
        finally:
            self._late -= late
        return [outcomes[place] for place in range(len(reports))]

    async def _judge_signed(self, reported: Mapping[int, Reported]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        if self._signed_for is not None:
            unsigned = await unsigned_among(list(reported.values()), self._signed_for)
            outcomes = {place: fault for place, fault in zip(reported, unsigned, strict=True) if fault is not None}
        by_program: dict[Digest, dict[int, Reported]] = defaultdict(dict)
        for place, (report, lease) in reported.items():
            if place not in outcomes:
                by_program[lease.program_digest][place] = report, lease
        judged = await asyncio.gather(*(self._judge(program, items) for program, items in by_program.items()))
        for settled in judged:
            outcomes |= settled
        return outcomes

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
        found = await self._found([report.held.lease_id for report in reports])
        return [found.get(report.held.lease_id) for report in reports]

    async def _found(self, ids: list[LeaseId]) -> dict[LeaseId, ReportedLease]:
        async with self._database.connection(Urgency.MONEY) as connection:
            return {lease.lease_id: lease for lease in await connection.fetch(LEASES_OF_REPORTS, lease_ids=ids)}

    # --- verify and pay --------------------------------------------------------------------------

    async def _settle(self, batch: list[Reported]) -> Sequence[Outcome]:
        """Settle reports of one program."""
        program = await self._library.program(batch[0][1].program_digest)
        if program.digest not in self._quick:
            await self._give_time(batch)
        contents = await self._contents(batch)
        outcomes: list[Outcome | None] = list(await self._verifying.verify(program, batch, contents))
        proven = {
            place: await self._proven(report, lease, content)
            for place, ((report, lease), content) in enumerate(zip(batch, contents, strict=True))
            if outcomes[place] is None and isinstance(content, bytes)
        }
        if proven:
            await self._pay_proven(program, batch, proven, outcomes)
        return [outcome for outcome in outcomes if outcome is not None]

    async def _pay_proven(
        self, program: Program, batch: list[Reported], proven: Mapping[int, Proven], outcomes: list[Outcome | None]
    ) -> None:
        paid = await self._paying.add_all(list(proven.values()))
        for place, outcome in zip(proven, paid, strict=True):
            outcomes[place] = outcome
        if stopped := [batch[place] for place in proven if isinstance(outcomes[place], SettlementStopped)]:
            # Their provers say it again; until then their leases are kept (the dispatcher's watch).
            await self._give_time(stopped)
        await self._note_cached(
            program, [one.lease for place, one in proven.items() if isinstance(outcomes[place], Paid)]
        )

    async def _pay_all(self, proven: list[Proven]) -> Sequence[Paid | LeaseLost]:
        """Pay for proofs of any programs together."""
        paid = await self._pay(proven)
        return [paid[one.lease.lease_id] for one in proven]

    async def _pay(self, proven: Sequence[Proven]) -> dict[LeaseId, Paid | LeaseLost]:
        paid = await self._pay_at_once(proven)
        if not (lost := [lease_id for lease_id, outcome in paid.items() if isinstance(outcome, LeaseLost)]):
            return paid
        # Leases that were taken back while their proofs were verified: these are late now, and right all the same.
        by_lease = {one.lease.lease_id: one for one in proven}
        now = [lease for lease in (await self._found(lost)).values() if may_come_late(lease)]
        late = [replace(by_lease[lease.lease_id], lease=lease) for lease in now]
        return paid | (await self._pay_at_once(late) if late else {})

    async def _pay_at_once(self, proven: Sequence[Proven]) -> dict[LeaseId, Paid | LeaseLost]:
        began = asyncio.get_running_loop().time()
        async with self._database.transaction(Transaction.PAY_PROOFS) as connection:
            paid = await pay(
                connection,
                proven,
                self._hedging,
                self._reputation,
                seating=self._seating,
                surplus_to=self._surplus_to,
            )
        _note_settled([one for one in proven if isinstance(paid[one.lease.lease_id], Paid)], began)
        return paid

    async def _note_cached(self, program: Program, leases: Sequence[ReportedLease]) -> None:
        """Note whose keys for the program are derived now: a hint for ranks, so it has no part in paying."""
        fresh = {lease.session_id for lease in leases} - self._cached[program.digest]
        if fresh:
            self._cached[program.digest] |= fresh
            await self._database.write(
                Transaction.NOTE_CACHED, NOTE_CACHED_PROGRAMS, session_ids=sorted(fresh), program=program.digest
            )

    async def _give_time(self, batch: list[Reported]) -> None:
        """Stop the provers' clocks: verification has its own time. The clocks of late results stand still already."""
        held = [lease.lease_id for _, lease in batch if lease.state not in LATE_LEASES]
        if not held:
            return
        await self._database.write(
            Transaction.NOTE_REPORTS,
            REPORT_LEASES,
            lease_ids=held,
            report_ms=self._report_ms,
            sources=lease_sources(LeaseEvent.REPORTED),
        )

    async def _contents(self, batch: Sequence[Reported]) -> list[bytes | BaseException]:
        """Return the proofs, or why they cannot be read; those in the reports themselves are there already."""
        contents: list[bytes | BaseException] = [report.proof for report, _ in batch]
        uploaded = [(place, one.proof_digest) for place, (one, _) in enumerate(batch) if one.proof_digest is not None]
        read = (self._artifacts.read_bytes(digest, limit_bytes=PROOF_BYTES_MAX) for _, digest in uploaded)
        for (place, _), content in zip(uploaded, await asyncio.gather(*read, return_exceptions=True), strict=True):
            contents[place] = content
        return contents

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
            batches: Batches[Reported, Paid] = Batches(self._settle, size_max=REPORTS_PER_BATCH, at_once=2, of="proofs")
            self._quick[program.digest] = batches
            self._group.create_task(batches.run())


def _note_settled(proven: Sequence[Proven], began: float) -> None:
    if not traces.are_sent():
        return
    took = asyncio.get_running_loop().time() - began
    for one in proven:
        lease = one.lease
        traces.note("settle", traces.of_lease(lease.task_id, lease.lease_id), took)
        traces.note_lease(lease.task_id, lease.lease_id, lease.ran_ms / 1_000, slice=lease.slice, lane=lease.lane)


def _patience_seconds(reported: Sequence[Reported]) -> float | None:
    """Return how long results may wait before their leases would run out meanwhile."""
    # Whose lease is over has nothing to lose by waiting.
    left_ms = [lease.left_ms for _, lease in reported if lease.state in _CAN_BE_SETTLED]
    return max(0.0, min(left_ms) / 1_000 - QUEUE_MARGIN_SECONDS) if left_ms else None


def _judgeable(
    lease: ReportedLease | BaseException | None, report: JobReport, operator: Address
) -> ReportedLease | Outcome:
    """Return the lease whose result is to be verified, or what needs no verification to be said."""
    if isinstance(lease, BaseException):
        return lease
    if lease is None or lease.fence != report.held.fence or lease.operator != operator:
        return LeaseLost("no lease of yours has this id and fence")
    if lease.state == LeaseState.SETTLED:
        return Paid(prover_id=lease.prover_id, price=lease.sell_price)
    if lease.state not in _CAN_BE_SETTLED and not may_come_late(lease):
        return LeaseLost(f"the lease is {lease.state}: {lease.reason}")
    return lease
