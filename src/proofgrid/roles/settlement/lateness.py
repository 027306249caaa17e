"""Which results are judged although their leases were taken back, and what they are paid (rules/jobs/late.py)."""

from __future__ import annotations

from proofgrid.rules.jobs.late import Prices, is_taken_late, late_prices
from proofgrid.rules.jobs.lifecycle import JobEvent, LeaseEvent, TaskState, job_sources, lease_sources
from proofgrid.store.settlement import ReportedLease

LATE_LEASES = frozenset(lease_sources(LeaseEvent.SETTLED_LATE))
WAITING_JOBS = frozenset(job_sources(JobEvent.LATE_PROOF_ACCEPTED))


def may_come_late(lease: ReportedLease) -> bool:
    """Was the lease taken back, and is its proof taken all the same, because the job still waits?"""
    waits = lease.job_state in WAITING_JOBS and lease.task_state == TaskState.OPEN
    return (
        waits
        and lease.state in LATE_LEASES
        and is_taken_late(lease.reason, reported=lease.reported_ms > 0, ended_for_ms=lease.ended_for_ms)
    )


def prices_of(lease: ReportedLease) -> Prices:
    """Return what is paid for the lease's proof per PU: what was agreed, or less when it comes late."""
    agreed = Prices(buy=lease.buy_price, sell=lease.sell_price)
    return late_prices(lease.reason, agreed) if lease.state in LATE_LEASES else agreed
