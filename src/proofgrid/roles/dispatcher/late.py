"""A result that came after its lease was taken back and was refused: a lie costs what it would have cost in time.

Whatever it was refused for, nothing more is taken of its lease, so no lease is verified late more than once.
"""

from __future__ import annotations

import structlog

from proofgrid.primitives.ids import LeaseId
from proofgrid.rules.jobs.late import LATE_RULES
from proofgrid.rules.jobs.lifecycle import LeaseEvent, lease_sources
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.rules.jobs.retry import FOREVER_MS, ReturnReason
from proofgrid.rules.reputation.standing import ReputationPolicy, fault_of
from proofgrid.store.connection import Connection
from proofgrid.store.leases import BAR_FROM_JOB, GET_LEASE, REFUSE_LATE
from proofgrid.store.signals import note_lie
from proofgrid.store.stakes import slash_late_lie
from proofgrid.store.work import Work, note_work

log = structlog.get_logger(__name__)


async def refuse_late(
    connection: Connection,
    lease_id: LeaseId,
    reason: ReturnReason,
    *,
    detail: str,
    report: JobReport,
    reputation: ReputationPolicy,
) -> bool:
    """Note that a late result was refused, in the caller's transaction; False when nothing late was taken anyway.

    Its task's row is locked. The job stays where it is, and no attempt is counted against it.
    """
    refused = await connection.first(
        REFUSE_LATE,
        lease_id=lease_id,
        reason=reason.value,
        detail=detail[:2_000],
        sources=lease_sources(LeaseEvent.SETTLED_LATE),
        late_reasons=sorted(LATE_RULES),
    )
    if refused is None:
        return False
    await note_lie(connection, lease_id, reason)
    lease = await connection.value(GET_LEASE, lease_id=lease_id)
    if reason is ReturnReason.BAD_PROOF:
        await connection.run(BAR_FROM_JOB, lease_id=lease_id, excluded=lease.prover_id, excluded_until_ms=FOREVER_MS)
        # Its time was counted when it was taken back.
        work = Work(
            prover_id=lease.prover_id,
            lane=lease.lane,
            units=lease.units,
            ran_ms=0,
            failures=1,
            happened=fault_of(reason, detail),
        )
        await note_work(connection, [work], reputation)
        await slash_late_lie(connection, lease_id, detail=detail, report=report)
    log.info("late_result_ended", lease_id=str(lease_id), prover_id=lease.prover_id, reason=reason.value)
    return True
