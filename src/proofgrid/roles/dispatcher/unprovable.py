"""A prover says that a job cannot be proven: who else must say so, and what is paid for the work then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.errors import Unprovable
from proofgrid.primitives.ids import JobId, LeaseId
from proofgrid.primitives.last_words import without_last_words
from proofgrid.rules.jobs.events import SaidUnprovable
from proofgrid.rules.jobs.retry import GiveUp, ReturnReason, decide_retry
from proofgrid.rules.jobs.unprovable import (
    UnprovableClaim,
    UnprovablePolicy,
    UnprovableVerdict,
    WastedWork,
    draw_last_word,
    judge_unprovable,
    wasted_shares,
)
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import WastedShare, fees_of, pay_for_wasted_work
from proofgrid.rules.reputation.buckets import has_proven_itself
from proofgrid.rules.reputation.counters import decayed
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import ServingProver, price_of, provers_of_lane
from proofgrid.store.leases import ASK_LAST_WORD, LeaseAtHand, LeasedJob
from proofgrid.store.settlement import CLAIMS_OF_JOB, WORKS_OF_FAULT, WastedLease
from proofgrid.store.tasks import LockedTask, append_event
from proofgrid.store.work import shown_of

POLICY = UnprovablePolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWord:
    """Who decides next whether a job can be proven, and who must not have it meanwhile; operators."""

    drawn: str
    others: tuple[str, ...]


async def judge_claim(
    connection: Connection, job: LeasedJob, lease: LeaseAtHand, reason: ReturnReason, *, detail: str
) -> GiveUp | LastWord | None:
    """Return how the task ends when this lease's prover is believed; None: others shall try.

    The task's row is locked, and the lease has ended with its claim. With the reason PROGRAM_FAULT the gateway has
    found the same itself.
    """
    rows = await connection.fetch(CLAIMS_OF_JOB, task_id=job.task_id, job_id=job.job_id)
    claims = [UnprovableClaim(lease_id=str(row.lease_id), operator=row.operator) for row in rows]
    serving = await provers_of_lane(connection, lease.lane, silent_ms=None)
    proven = {prover.operator for prover in serving if _may_decide(prover, lease)}
    verdict = judge_unprovable(
        claims,
        client=lease.client,
        # Who is silent at this moment may come back and prove it: nobody's word is dispensed with.
        lane_operators={prover.operator for prover in serving},
        can_be_proven=False if reason is ReturnReason.PROGRAM_FAULT else None,
        policy=POLICY,
        proven_operators=proven,
        drawn=job.last_word,
        waits_for_drawn=job.waits_for_last_word,
    )
    agreeing = {claim.operator for claim in claims if claim.operator != lease.client}
    said = without_last_words(detail)
    await append_event(
        connection,
        job.task_id,
        SaidUnprovable(
            slice=job.slice,
            input=job.input,
            prover=lease.prover_id,
            operators=len(agreeing),
            needed=POLICY.operators_needed,
            detail=said[:200],
        ),
    )
    match verdict:
        case UnprovableVerdict.CHARGE if reason is ReturnReason.PROGRAM_FAULT:
            return _charged(job, detail=said)
        case UnprovableVerdict.CHARGE:
            return _charged(job, detail=f"{len(agreeing)} operators agree: {said}")
        case UnprovableVerdict.STOP:
            ending = f"every operator that serves the lane agrees, nothing is charged: {said}"
            return GiveUp(code=Unprovable.code, detail=ending, attempts=job.attempts + 1)
        case UnprovableVerdict.ASK:
            draw = int.from_bytes(fresh_bytes(8), "big")
            drawn = draw_last_word(proven, claimants=agreeing, client=lease.client, draw=draw)
            others = {prover.operator for prover in serving} | agreeing
            return LastWord(drawn=drawn, others=tuple(sorted(others - {drawn})))
        case _:
            return None


async def ask_last_word(connection: Connection, job: LeasedJob, last_word: LastWord) -> None:
    """Keep the job for the one that was drawn."""
    await connection.run(
        ASK_LAST_WORD,
        job_id=job.job_id,
        operator=last_word.drawn,
        others=list(last_word.others),
        last_word_ms=POLICY.last_word_ms,
    )


def _may_decide(prover: ServingProver, lease: LeaseAtHand) -> bool:
    """Has it proven itself, is it not paused, and would it take the job at the task's price?"""
    counters = decayed(prover.counters, now_ms=prover.now_ms)
    takes_it = price_of(prover, lease.lane) <= lease.limit_price and prover.units_min <= lease.units
    return prover.slots > 0 and takes_it and has_proven_itself(counters)


def _charged(job: LeasedJob, *, detail: str) -> GiveUp:
    decision = decide_retry(
        ReturnReason.PROGRAM_FAULT,
        detail=detail,
        attempts=job.attempts,
        returns=job.returns,
        attempts_max=1,
        now_ms=0,
    )
    if not isinstance(decision, GiveUp):
        raise TypeError("a program fault ends its task")
    return decision


async def charge_for_fault(connection: Connection, task: LockedTask, stopped: list[LeaseId]) -> list[Transfer]:
    """Return the payments for the work that an unprovable input caused: of those who said so, and of the `stopped`."""
    rows = await connection.fetch(WORKS_OF_FAULT, task_id=task.task_id, stopped=stopped)
    by_job: dict[JobId, list[WastedLease]] = defaultdict(list)
    for row in rows:
        by_job[row.job_id].append(row)
    return [transfer for job_id, works in by_job.items() for transfer in _pay(task, job_id, works)]


def _pay(task: LockedTask, job_id: JobId, rows: list[WastedLease]) -> list[Transfer]:
    units = rows[0].units
    amounts = wasted_shares([_work(row) for row in rows], left=task.limit_price * units, policy=POLICY)
    shares = [
        WastedShare(
            lease_id=str(row.lease_id),
            operator=row.operator,
            amount=amounts[str(row.lease_id)],
            lane=row.lane,
            round_number=row.round,
        )
        for row in rows
    ]
    payments = pay_for_wasted_work(
        task_id=str(task.task_id), job_id=str(job_id), units=units, limit_price=task.limit_price, shares=shares
    )
    agreed = {f"fault:{row.lease_id}": row.fee_permille for row in rows}
    return payments + [fee for one in payments for fee in fees_of([one], fee_permille=agreed[one.transfer_id])]


def _work(row: WastedLease) -> WastedWork:
    return WastedWork(
        lease_id=str(row.lease_id),
        operator=row.operator,
        units=row.units,
        sell_price=row.sell_price,
        shown_permille=shown_of(row),
    )
