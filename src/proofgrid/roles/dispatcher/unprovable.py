"""A prover says that a job cannot be proven: counts who agrees, and pays for the work when so many do."""

from __future__ import annotations

from collections import defaultdict

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
    judge_unprovable,
    wasted_shares,
)
from proofgrid.rules.ledger.accounts import Transfer
from proofgrid.rules.ledger.settlement import WastedShare, fees_of, pay_for_wasted_work
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import provers_of_lane
from proofgrid.store.leases import LeaseAtHand, LeasedJob
from proofgrid.store.settlement import CLAIMS_OF_JOB, WORKS_OF_FAULT, WastedLease
from proofgrid.store.tasks import LockedTask, append_event
from proofgrid.store.work import shown_of

POLICY = UnprovablePolicy()


async def judge_claim(connection: Connection, job: LeasedJob, lease: LeaseAtHand, *, detail: str) -> GiveUp | None:
    """Return how the task ends when enough operators agree with this lease's prover; None: others shall try.

    The task's row is locked, and the lease has ended with its claim.
    """
    rows = await connection.fetch(CLAIMS_OF_JOB, task_id=job.task_id, job_id=job.job_id)
    claims = [UnprovableClaim(lease_id=str(row.lease_id), operator=row.operator) for row in rows]
    verdict = judge_unprovable(
        claims,
        client=lease.client,
        lane_operators=await _operators(connection, lease.lane),
        can_be_proven=None,
        policy=POLICY,
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
        case UnprovableVerdict.CHARGE:
            return _charged(job, detail=f"{len(agreeing)} operators agree: {said}")
        case UnprovableVerdict.STOP:
            ending = f"every operator that serves the lane agrees, nothing is charged: {said}"
            return GiveUp(code=Unprovable.code, detail=ending, attempts=job.attempts + 1)
        case _:
            return None


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


async def _operators(connection: Connection, lane: str) -> set[str]:
    # Who is silent at this moment may come back and prove it: nobody's word is dispensed with.
    return {prover.operator for prover in await provers_of_lane(connection, lane, silent_ms=None)}
