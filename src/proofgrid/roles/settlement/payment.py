"""The one transaction that turns verified proofs into money: leases settle, jobs are proven, tasks move on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import LeaseLost
from proofgrid.primitives.ids import Address, LeaseId, ProverId, TaskId
from proofgrid.roles.settlement.rivals import Loser, stop_rivals
from proofgrid.rules.jobs.event_kinds import Event
from proofgrid.rules.jobs.events import Combining, JobProven
from proofgrid.rules.jobs.hedging import HedgePolicy
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
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import SurplusTo, fees_of, pay_for_proof
from proofgrid.rules.reputation.counters import Fact
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy
from proofgrid.store.queries import QUERIES
from proofgrid.store.stakes import rescue_transfers
from proofgrid.store.stored_artifacts import RECORD_ARTIFACTS
from proofgrid.store.tasks import append_events
from proofgrid.store.transfers import post_transfers
from proofgrid.store.work import POLICY as REPUTATION
from proofgrid.store.work import Work, note_work

_WRONG_CLAIM = Happened(fact=Fact.CRASHED, detail="it said that a job cannot be proven, and another prover proved it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A proof that verified, and where it is kept."""

    lease: Any  #: the lease's row with its job's slice, input and its task's client
    report: JobReport
    proof_digest: Digest
    small_proof: bytes | None  #: None: it is an artifact
    size_bytes: int


async def pay(
    connection: Any,
    proofs: Sequence[Proven],
    hedging: HedgePolicy,
    reputation: ReputationPolicy = REPUTATION,
    *,
    surplus_to: SurplusTo = SurplusTo.TREASURY,
) -> dict[LeaseId, ProverId | LeaseLost]:
    """Pay for proofs in the caller's transaction; say of each lease who was paid, or why nobody was."""
    by_lease = {LeaseId(one.lease["lease_id"]): one for one in proofs}
    tasks = await connection.fetch(QUERIES["lock_tasks"], sorted({one.lease["task_id"] for one in by_lease.values()}))
    if any(task["hedges"] for task in tasks):
        # Leases are locked in the order of their ids, those that lose with those that win.
        await connection.fetch(QUERIES["lock_rivals"], list(by_lease))
    rows = await connection.fetch(
        QUERIES["settle_leases"],
        list(by_lease),
        [one.report.held.fence for one in by_lease.values()],
        [one.proof_digest for one in by_lease.values()],
        [one.small_proof for one in by_lease.values()],
        [dict(one.report.public) for one in by_lease.values()],
        lease_sources(LeaseEvent.SETTLED),
        job_sources(JobEvent.PROOF_ACCEPTED),
    )
    settled = {LeaseId(row["lease_id"]): row["ran_ms"] for row in rows}
    if settled:
        hedged = [LeaseId(row["lease_id"]) for row in rows if row["hedges"]]
        losers = await stop_rivals(connection, hedged, delivered=by_lease, policy=hedging) if hedged else []
        doubted = [row["lease_id"] for row in rows if row["attempts"]]
        wrong = await connection.fetch(QUERIES["refuted_claims"], doubted) if doubted else []
        works = [_proof_work(by_lease[one].lease, ran_ms) for one, ran_ms in settled.items()]
        works += [_work(one.lease, one.lease["ran_ms"]) for one in losers]
        works += [_work(claim, claim["ran_ms"], failures=1, happened=_WRONG_CLAIM) for claim in wrong]
        await note_work(connection, works, reputation)
        failed = [by_lease[LeaseId(lease_id)].lease for lease_id in doubted]
        rescued = [(lease["job_id"], Address(lease["operator"])) for lease in failed]
        rescues = await rescue_transfers(connection, rescued) if rescued else ([], [])
        proven = [by_lease[lease_id] for lease_id in by_lease if lease_id in settled]
        await _follow_up(connection, proven, losers, *rescues, surplus_to=surplus_to)
    outcomes: dict[LeaseId, ProverId | LeaseLost] = {}
    for lease_id, one in by_lease.items():
        if lease_id in settled:
            outcomes[lease_id] = ProverId(one.lease["prover_id"])
        else:
            outcomes[lease_id] = await _not_settled(connection, one)
    return outcomes


def _proof_work(lease: Any, ran_ms: int) -> Work:
    # The time for proving is three times what is expected of this prover, so whoever is late is late by much.
    fact = Fact.LATE if ran_ms > lease["prove_ms"] else Fact.PROVEN
    return _work(lease, ran_ms, proofs=1, happened=Happened(fact=fact))


def _work(lease: Any, ran_ms: int, *, proofs: int = 0, failures: int = 0, happened: Happened | None = None) -> Work:
    return Work(
        prover_id=lease["prover_id"],
        lane=lease["lane"],
        units=lease["units"],
        ran_ms=ran_ms,
        proofs=proofs,
        failures=failures,
        happened=happened,
    )


async def _follow_up(
    connection: Any,
    proofs: Sequence[Proven],
    losers: Sequence[Loser],
    rescues: Sequence[Transfer],
    rescued: Sequence[tuple[TaskId, Event]],
    *,
    surplus_to: SurplusTo,
) -> None:
    stored = [one for one in proofs if one.small_proof is None]
    if stored:
        await connection.run(
            RECORD_ARTIFACTS,
            owners=[one.lease["client"] for one in stored],
            digests=[one.proof_digest for one in stored],
            sizes=[one.size_bytes for one in stored],
        )
    transfers = [transfer for one in proofs for transfer in _transfers(one, surplus_to)]
    transfers += [transfer for loser in losers for transfer in loser.transfers]
    transfers += rescues
    await post_transfers(connection, transfers)
    combining = await _count_down(connection, proofs, losers)
    events: list[tuple[TaskId, Event]] = [(TaskId(one.lease["task_id"]), _event(one)) for one in proofs]
    events += [(TaskId(loser.lease["task_id"]), loser.event) for loser in losers]
    events += rescued
    events += [(task_id, Combining()) for task_id in combining]
    await append_events(connection, events)
    # The provers are free again in their lanes; unblocked jobs wait in theirs.
    await connection.execute(
        QUERIES["move_on"],
        list({one.lease["task_id"] for one in proofs}),
        job_sources(JobEvent.UNBLOCKED),
        list({one.lease["lane"] for one in proofs} | {loser.lease["lane"] for loser in losers}),
        bool(combining),
    )


async def _count_down(connection: Any, proofs: Sequence[Proven], losers: Sequence[Loser]) -> list[TaskId]:
    """Return the tasks of which these were the last jobs."""
    jobs: dict[Any, int] = defaultdict(int)
    paid: dict[Any, int] = defaultdict(int)
    for one in proofs:
        jobs[one.lease["task_id"]] += 1
        paid[one.lease["task_id"]] += one.lease["buy_price"] * one.lease["units"]
    for loser in losers:
        paid[loser.lease["task_id"]] += loser.amount
    rows = await connection.fetch(
        QUERIES["count_down_jobs"],
        list(jobs),
        list(jobs.values()),
        list(paid.values()),
        task_sources(TaskEvent.ALL_PROVEN),
    )
    return [TaskId(row["task_id"]) for row in rows if row["state"] == TaskState.COMBINING]


def _transfers(one: Proven, surplus_to: SurplusTo) -> list[Transfer]:
    lease = one.lease
    payments = pay_for_proof(
        task_id=str(lease["task_id"]),
        job_id=str(lease["job_id"]),
        operator=Address(lease["operator"]),
        units=lease["units"],
        buy_price=lease["buy_price"],
        sell_price=lease["sell_price"],
        lane=lease["lane"],
        round_number=lease["round"],
        surplus_to=surplus_to,
    )
    return payments + fees_of(payments, fee_permille=lease["fee_permille"])


def _event(one: Proven) -> JobProven:
    lease = one.lease
    return JobProven(
        slice=lease["slice"],
        input=lease["input"],
        prover=lease["prover_id"],
        operator=lease["operator"],
        units=lease["units"],
        buy_price=lease["buy_price"],
        sell_price=lease["sell_price"],
        paid=lease["sell_price"] * lease["units"],
        wall_ms=one.report.wall_ms,
    )


async def _not_settled(connection: Any, one: Proven) -> ProverId | LeaseLost:
    lease = await connection.fetchrow(QUERIES["lock_lease"], one.lease["lease_id"])
    if lease["state"] == LeaseState.SETTLED:
        return ProverId(lease["prover_id"])  # the same report came twice, over two streams
    return LeaseLost(f"the lease ended while its proof was verified: {lease['reason']}")
