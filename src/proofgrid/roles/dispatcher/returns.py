"""What happens when a lease ends without a proof: the job goes back to the market, or its task ends with a reason."""

from __future__ import annotations

from functools import partial

import structlog

from proofgrid.primitives.ids import LeaseId, TaskId
from proofgrid.roles.dispatcher.unprovable import LastWord, ask_last_word, charge_for_fault, judge_claim
from proofgrid.rules.jobs.events import CarriedOn, Returned
from proofgrid.rules.jobs.lifecycle import JobEvent, LeaseState, TaskEvent, event_of_lost_lease, job_sources
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.jobs.retry import (
    ATTEMPTS,
    FOREVER_MS,
    NOBODY_ELSE,
    RETRY_RULES,
    GiveUp,
    Retry,
    ReturnReason,
    Tried,
    decide_retry,
    ends_by_attempts,
    opens_no_more,
)
from proofgrid.rules.reputation.standing import ReputationPolicy, fault_of
from proofgrid.store.connection import Connection
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.hedges import CARRY_ON, LOCK_RIVALS
from proofgrid.store.lanes import price_of, provers_of_lane
from proofgrid.store.leases import (
    GET_LEASE,
    JOB_OF_LEASE,
    RETURN_JOB,
    TELL_SESSION_TO_STOP,
    TRIES_OF_JOB,
    LeaseAtHand,
    LeasedJob,
)
from proofgrid.store.signals import note_lie
from proofgrid.store.stakes import slash_lease
from proofgrid.store.tasks import LOCK_TASK, append_event, end_lease, end_task, wake_lanes
from proofgrid.store.work import POLICY as REPUTATION
from proofgrid.store.work import Work, note_work
from proofgrid.telemetry.metrics.of_gateway import LEASES_ENDED

DETAIL_CHARS_MAX = 600  #: of a reason, in an event

log = structlog.get_logger(__name__)


async def return_job(
    connection: Connection,
    task_id: TaskId,
    lease_id: LeaseId,
    reason: ReturnReason,
    *,
    detail: str,
    attempts_max: int,
    report: JobReport | None = None,
    came_back: bool = False,
    reputation: ReputationPolicy = REPUTATION,
) -> bool:
    """Take a lease back and decide about its job, in the caller's transaction; False when the lease had ended.

    `came_back`: its prover is here without it; a gateway that died may have lost its word, so that costs no bond.
    `report` is the result that was refused; with it the bond of the lease's operator is slashed by the table.
    The task's row is locked first, so a result of the same lease and its expiry cannot both happen.
    """
    task = await connection.first(LOCK_TASK, task_id=task_id)
    if task is not None and task.hedges:
        await connection.run(LOCK_RIVALS, lease_ids=[lease_id])
    expired = reason in (ReturnReason.NOT_PICKED_UP, ReturnReason.NOT_STARTED, ReturnReason.PROVER_LOST)
    state = LeaseState.EXPIRED if expired else LeaseState.FAILED
    if not await end_lease(connection, lease_id, state, reason=reason.value, detail=detail):
        return False
    await connection.run(TELL_SESSION_TO_STOP, lease_id=lease_id, reason=reason.value)
    await note_lie(connection, lease_id, reason)
    lease = await connection.value(GET_LEASE, lease_id=lease_id)
    job = await connection.first(JOB_OF_LEASE, lease_id=lease_id)
    if RETRY_RULES[reason].prover_at_fault:
        happened = None if job is not None and _may_be_the_jobs_fault(job, lease, reason) else fault_of(reason, detail)
        work = Work(
            prover_id=lease.prover_id,
            lane=lease.lane,
            units=lease.units,
            ran_ms=lease.ran_ms,
            failures=1,
            happened=happened,
        )
        await note_work(connection, [work], reputation)
    if job is not None:
        # Before the decision: it may end the task, and then gives on what the slash left for a rescuer.
        if not came_back:
            await slash_lease(connection, lease_id, reason, detail=detail, report=report)
        judged = None
        if reason in (ReturnReason.UNPROVABLE, ReturnReason.PROGRAM_FAULT):
            judged = await judge_claim(connection, job, lease, reason, detail=detail)
        if isinstance(judged, GiveUp):
            await _give_up(connection, job, judged)
        else:
            await _decide(connection, job, lease, reason, detail=detail, attempts_max=attempts_max)
        if isinstance(judged, LastWord):
            await ask_last_word(connection, job, judged)
    await wake_lanes(connection, [lease.lane])
    connection.once_committed(partial(LEASES_ENDED.add, 1, state.value, reason.value))
    log.info("lease_ended", lease_id=str(lease_id), prover_id=lease.prover_id, reason=reason.value, detail=detail[:200])
    return True


async def _decide(
    connection: Connection, job: LeasedJob, lease: LeaseAtHand, reason: ReturnReason, *, detail: str, attempts_max: int
) -> None:
    now_ms = await connection.value(DATABASE_TIME)
    tried, times = await _tries(connection, job, lease, reason, attempts_max=attempts_max)
    decision = decide_retry(
        reason,
        detail=detail,
        attempts=job.attempts,
        returns=job.returns,
        attempts_max=attempts_max,
        now_ms=now_ms,
        tried=tried,
        times=times,
    )
    if isinstance(decision, Retry):
        gone = _excluded_by(decision, lease) if decision.excluded_until_ms >= FOREVER_MS else ""
        decision = opens_no_more(job.sealed_for, job.excluded, without=gone) or decision
    if event_of_lost_lease(another_is_held=job.rival_id is not None) is JobEvent.CARRIED_ON:
        await _carry_on(connection, job, lease, reason, decision, detail=detail)
        return
    match decision:
        case Retry():
            await connection.run(
                RETURN_JOB,
                job_id=job.job_id,
                sources=job_sources(JobEvent.RETURNED),
                attempts=decision.attempts,
                not_before_ms=decision.not_before_ms,
                excluded=_excluded_by(decision, lease),
                excluded_until_ms=decision.excluded_until_ms,
            )
            returned = Returned(
                slice=job.slice,
                input=job.input,
                prover=lease.prover_id,
                reason=reason.value,
                detail=_shortened(detail),
                attempts=decision.attempts,
                again_in_ms=decision.not_before_ms - now_ms,
            )
            await append_event(connection, job.task_id, returned)
        case GiveUp():
            await _give_up(connection, job, decision)


async def _give_up(connection: Connection, job: LeasedJob, decision: GiveUp) -> None:
    await end_task(
        connection,
        job.task_id,
        TaskEvent.GAVE_UP,
        code=decision.code,
        detail=decision.detail,
        charge=charge_for_fault if decision.charged else None,
    )


async def _carry_on(
    connection: Connection,
    job: LeasedJob,
    lease: LeaseAtHand,
    reason: ReturnReason,
    decision: Retry | GiveUp,
    *,
    detail: str,
) -> None:
    """One of two leases ended; when attempts are exhausted, the end of the other one ends the task."""
    excluded_until_ms = decision.excluded_until_ms if isinstance(decision, Retry) else 0
    await connection.run(
        CARRY_ON,
        job_id=job.job_id,
        sources=job_sources(JobEvent.CARRIED_ON),
        attempts=decision.attempts,
        excluded=_excluded_by(decision, lease),
        excluded_until_ms=excluded_until_ms,
        rival_id=job.rival_id,
    )
    carried_on = CarriedOn(
        slice=job.slice,
        input=job.input,
        prover=lease.prover_id,
        reason=reason.value,
        detail=_shortened(detail),
        attempts=decision.attempts,
    )
    await append_event(connection, job.task_id, carried_on)


def _may_be_the_jobs_fault(job: LeasedJob, lease: LeaseAtHand, reason: ReturnReason) -> bool:
    """Did the job fail elsewhere before in a way that a job can cause? Then this is no verified fact of the prover.

    An input that nobody has looked at may be made to kill whoever opens it.
    """
    if reason is ReturnReason.CHILD_CRASHED and job.sealed_for:
        return True
    if reason not in (ReturnReason.CHILD_CRASHED, ReturnReason.TIMED_OUT) or not job.attempts:
        return False
    return any(name.split("/")[0] != lease.operator for name in job.excluded)


def _excluded_by(decision: Retry | GiveUp, lease: LeaseAtHand) -> str:
    """Return who gets no lease of the job for a while: the prover, or all of its operator's."""
    whole = isinstance(decision, Retry) and decision.exclude_operator
    return str(lease.operator if whole else lease.prover_id)


async def _tries(
    connection: Connection, job: LeasedJob, lease: LeaseAtHand, reason: ReturnReason, *, attempts_max: int
) -> tuple[Tried, int]:
    """Return who has failed the job so far and who could have it, and how often it came back for this reason."""
    rule = RETRY_RULES[reason]
    is_last = ends_by_attempts(reason) and job.attempts + 1 >= attempts_max
    if not is_last and not rule.times_max:
        return NOBODY_ELSE, 1
    rows = await connection.fetch(TRIES_OF_JOB, task_id=job.task_id, job_id=job.job_id)
    times = sum(row.times for row in rows if row.reason == reason.value)
    counting = [row for row in rows if row.reason in ATTEMPTS and row.operator != lease.client]
    tried = Tried(
        failed=frozenset(row.operator for row in counting),
        lane=await _could_have(connection, lease) if is_last else frozenset(),
        own=sum(row.times for row in counting if row.operator == lease.operator),
    )
    return tried, times


async def _could_have(connection: Connection, lease: LeaseAtHand) -> frozenset[str]:
    """Return the operators that serve the lease's lane and take its job at the task's price, silent ones included."""
    provers = await provers_of_lane(connection, lease.lane, silent_ms=None)
    return frozenset(
        prover.operator
        for prover in provers
        if prover.operator != lease.client
        and prover.units_min <= lease.units
        and price_of(prover, lease.lane) <= lease.limit_price
    )


def _shortened(detail: str) -> str:
    """Keep both ends: how it ended stands first, the last words of a traceback stand last."""
    if len(detail) <= DETAIL_CHARS_MAX:
        return detail
    half = DETAIL_CHARS_MAX // 2
    return f"{detail[:half]} ... {detail[-half:]}"
