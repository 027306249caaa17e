"""The one transaction that turns verified proofs into money: leases settle, jobs are proven, tasks move on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import LeaseId, TaskId
from proofgrid.roles.settlement.lateness import LATE_LEASES, WAITING_JOBS, prices_of
from proofgrid.roles.settlement.rivals import Loser, stop_rivals
from proofgrid.rules.jobs.event_kinds import Event
from proofgrid.rules.jobs.events import Combining, JobProven
from proofgrid.rules.jobs.hedging import HedgePolicy
from proofgrid.rules.jobs.late import Prices
from proofgrid.rules.jobs.lifecycle import (
    JobEvent,
    LeaseEvent,
    LeaseState,
    TaskEvent,
    job_sources,
    lease_sources,
    task_sources,
)
from proofgrid.rules.jobs.offers import JobReport, Paid
from proofgrid.rules.jobs.retry import RETRY_RULES, ReturnReason
from proofgrid.rules.jobs.sizes import MEMORY_MAX
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import SurplusTo, fees_of, pay_for_proof
from proofgrid.rules.reputation.counters import Fact
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy
from proofgrid.store.connection import Connection
from proofgrid.store.hedges import LOCK_RIVALS, StoppedRival
from proofgrid.store.seating import Seating, lock_quotes_to_seat, seat_in_turn
from proofgrid.store.settlement import (
    LEASES_OF_REPORTS,
    MOVE_ON,
    REFUTED_CLAIMS,
    SETTLE_LEASES,
    RefutedClaim,
    ReportedLease,
    SettledLease,
)
from proofgrid.store.signals import note_lie
from proofgrid.store.stakes import rescue_transfers, slash_lease
from proofgrid.store.stored_artifacts import HAND_OVER_PROOFS
from proofgrid.store.tasks import LOCK_TASKS
from proofgrid.store.transfers import post_transfers
from proofgrid.store.work import POLICY as REPUTATION
from proofgrid.store.work import Work, note_work
from proofgrid.telemetry.metrics.of_gateway import LEASES_ENDED

_IN_TIME, _LATE = Happened(fact=Fact.PROVEN), Happened(fact=Fact.LATE)
_WRONG_CLAIM = Happened(fact=Fact.CRASHED, detail="it said that a job cannot be proven, and another prover proved it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A proof that verified, and where it is kept."""

    lease: ReportedLease
    report: JobReport
    proof_digest: Digest
    small_proof: bytes | None  #: None: it is an artifact
    size_bytes: int
    prices: Prices = field(init=False)  #: what is paid for it, per PU

    def __post_init__(self) -> None:
        object.__setattr__(self, "prices", prices_of(self.lease))

    @property
    def is_late(self) -> bool:
        """Did it come after its lease was taken back?"""
        return self.lease.state in LATE_LEASES

    @property
    def paid(self) -> Paid:
        """What its prover is told once it counts."""
        return Paid(prover_id=self.lease.prover_id, price=self.prices.sell)


async def pay(
    connection: Connection,
    proofs: Sequence[Proven],
    hedging: HedgePolicy,
    reputation: ReputationPolicy = REPUTATION,
    *,
    seating: Seating,
    surplus_to: SurplusTo = SurplusTo.TREASURY,
) -> dict[LeaseId, Paid | LeaseLost]:
    """Pay for proofs in the caller's transaction; say of each lease who was paid, or why nobody was."""
    by_lease = {one.lease.lease_id: one for one in proofs}
    tasks = await connection.fetch(LOCK_TASKS, task_ids=sorted({one.lease.task_id for one in by_lease.values()}))
    quotes = await lock_quotes_to_seat(connection, tasks)
    if any(task.hedges for task in tasks):
        # Leases are locked in the order of their ids, those that lose with those that win.
        await connection.run(LOCK_RIVALS, lease_ids=list(by_lease))
    settled = await connection.fetch(
        SETTLE_LEASES,
        lease_ids=list(by_lease),
        fences=[one.report.held.fence for one in by_lease.values()],
        reasons=[one.lease.reason if one.is_late else "" for one in by_lease.values()],
        buy_prices=[one.prices.buy for one in by_lease.values()],
        sell_prices=[one.prices.sell for one in by_lease.values()],
        proof_digests=[one.proof_digest for one in by_lease.values()],
        small_proofs=[one.small_proof for one in by_lease.values()],
        public_values=[dict(one.report.public) for one in by_lease.values()],
        memory_peaks=[min(one.report.memory_peak_bytes, MEMORY_MAX) for one in by_lease.values()],
        lease_sources=lease_sources(LeaseEvent.SETTLED),
        job_sources=job_sources(JobEvent.PROOF_ACCEPTED),
        late_lease_sources=sorted(LATE_LEASES),
        late_job_sources=sorted(WAITING_JOBS),
    )
    paid = {row.lease_id for row in settled}
    if settled:
        losers, rescues, rescued = await _follow_jobs(connection, by_lease, settled, hedging, reputation)
        proven = [one for lease_id, one in by_lease.items() if lease_id in paid]
        await _move_on(connection, proven, losers, rescued)
        await seat_in_turn(connection, quotes, seating)
        # Money last: other gateways pay the same operators and the same treasury, and wait until this commits.
        transfers = [transfer for one in proven for transfer in _transfers(one, surplus_to)]
        transfers += [transfer for loser in losers for transfer in loser.transfers]
        await post_transfers(connection, transfers + rescues)
        late = sum(one.is_late for one in proven)
        for number, reason in ((len(proven) - late, "proven"), (late, "late")):
            connection.once_committed(partial(LEASES_ENDED.add, number, LeaseState.SETTLED.value, reason))
    unpaid = await _not_settled(connection, [lease_id for lease_id in by_lease if lease_id not in paid])
    return {
        lease_id: one.paid if lease_id in paid else _why_not(one, unpaid[lease_id])
        for lease_id, one in by_lease.items()
    }


async def _follow_jobs(
    connection: Connection,
    by_lease: Mapping[LeaseId, Proven],
    settled: Sequence[SettledLease],
    hedging: HedgePolicy,
    reputation: ReputationPolicy,
) -> tuple[list[Loser], list[Transfer], list[tuple[TaskId, Event]]]:
    """Stop rivals, note what all did, and say who is rewarded for proving what others had failed at."""
    hedged = [row.lease_id for row in settled if row.hedges]
    losers = await stop_rivals(connection, hedged, delivered=by_lease, policy=hedging) if hedged else []
    doubted = [row.lease_id for row in settled if row.attempts]
    wrong = await connection.fetch(REFUTED_CLAIMS, lease_ids=doubted) if doubted else []
    works = [_proof_work(by_lease[row.lease_id], row.ran_ms) for row in settled]
    works += [_work(one.lease, one.lease.ran_ms) for one in losers]
    works += [_work(claim, claim.ran_ms, failures=1, happened=_WRONG_CLAIM) for claim in wrong]
    await note_work(connection, works, reputation)
    for claim in wrong:  # accounts after provers, as wherever a lease ends
        await note_lie(connection, claim.lease_id, ReturnReason.REFUTED)
        await slash_lease(connection, claim.lease_id, ReturnReason.REFUTED, detail=_WRONG_CLAIM.detail)
    failed = [by_lease[lease_id].lease for lease_id in doubted]
    rescued = [(lease.job_id, lease.operator) for lease in failed]
    return losers, *(await rescue_transfers(connection, rescued) if rescued else ([], []))


def _proof_work(one: Proven, ran_ms: int) -> Work:
    lease = one.lease
    counted = one.is_late and RETRY_RULES[ReturnReason(lease.reason)].prover_at_fault
    # The time for proving is three times what is expected of this prover, so whoever is late is late by much.
    happened = _LATE if counted or ran_ms > lease.prove_ms else _IN_TIME
    # Its time until it was taken back was counted then, and so was the fault.
    more_ms = ran_ms - lease.ran_ms if counted else ran_ms
    return _work(lease, more_ms, proofs=1, happened=happened, late=one.is_late)


def _work(
    lease: ReportedLease | StoppedRival | RefutedClaim,
    ran_ms: int,
    *,
    proofs: int = 0,
    failures: int = 0,
    happened: Happened | None = None,
    late: bool = False,
) -> Work:
    return Work(
        prover_id=lease.prover_id,
        lane=lease.lane,
        units=lease.units,
        ran_ms=ran_ms,
        proofs=proofs,
        failures=failures,
        happened=happened,
        late=late,
    )


async def _move_on(
    connection: Connection,
    proofs: Sequence[Proven],
    losers: Sequence[Loser],
    rescued: Sequence[tuple[TaskId, Event]],
) -> None:
    stored = [one for one in proofs if one.small_proof is None]
    if stored:
        await connection.run(
            HAND_OVER_PROOFS,
            owners=[one.lease.client for one in stored],
            operators=[one.lease.operator for one in stored],
            digests=[one.proof_digest for one in stored],
            sizes=[one.size_bytes for one in stored],
        )
    events: list[tuple[TaskId, Event]] = [(one.lease.task_id, _event(one)) for one in proofs]
    events += [(loser.lease.task_id, loser.event) for loser in losers]
    events += rescued
    # The provers are free again in their lanes; unblocked jobs wait in theirs.
    await connection.run(
        MOVE_ON,
        **_counts(proofs, losers),
        sources=task_sources(TaskEvent.ALL_PROVEN),
        last_kind=Combining.kind,
        event_tasks=[task_id for task_id, _ in events],
        kinds=[event.kind for _, event in events],
        data=[event.data() for _, event in events],
        job_sources=job_sources(JobEvent.UNBLOCKED),
        lanes=list({one.lease.lane for one in proofs} | {loser.lease.lane for loser in losers}),
    )


def _counts(proofs: Sequence[Proven], losers: Sequence[Loser]) -> dict[str, Sequence[object]]:
    """Return how many jobs of each task are proven by these, and what its client pays for them."""
    jobs: dict[TaskId, int] = defaultdict(int)
    paid: dict[TaskId, int] = defaultdict(int)
    for one in proofs:
        jobs[one.lease.task_id] += 1
        paid[one.lease.task_id] += one.prices.buy * one.lease.units
    for loser in losers:
        paid[loser.lease.task_id] += loser.amount
    return {"task_ids": list(jobs), "proven": list(jobs.values()), "paid": [paid[task_id] for task_id in jobs]}


def _transfers(one: Proven, surplus_to: SurplusTo) -> list[Transfer]:
    lease = one.lease
    payments = pay_for_proof(
        task_id=str(lease.task_id),
        job_id=str(lease.job_id),
        operator=lease.operator,
        units=lease.units,
        buy_price=one.prices.buy,
        sell_price=one.prices.sell,
        lane=lease.lane,
        round_number=lease.round,
        surplus_to=surplus_to,
    )
    return payments + fees_of(payments, fee_permille=lease.fee_permille)


def _event(one: Proven) -> JobProven:
    lease = one.lease
    return JobProven(
        slice=lease.slice,
        input=lease.input,
        prover=lease.prover_id,
        operator=lease.operator,
        units=lease.units,
        buy_price=one.prices.buy,
        sell_price=one.prices.sell,
        paid=one.prices.sell * lease.units,
        wall_ms=one.report.wall_ms,
        late=lease.reason if one.is_late else None,
    )


async def _not_settled(connection: Connection, lease_ids: Sequence[LeaseId]) -> dict[LeaseId, ReportedLease]:
    """Return these leases as they are now. Their tasks' rows are locked, so what ended stays as it is.

    Read without a lock: leases are locked in the order of their ids, and others with greater ids are locked by now.
    """
    if not lease_ids:
        return {}
    return {lease.lease_id: lease for lease in await connection.fetch(LEASES_OF_REPORTS, lease_ids=lease_ids)}


def _why_not(one: Proven, lease: ReportedLease) -> Paid | LeaseLost:
    if lease.state == LeaseState.SETTLED:
        return one.paid  # the same report came twice, over two streams
    return LeaseLost(f"the lease ended while its proof was verified: {lease.reason}")
