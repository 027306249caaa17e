"""Results on their way to payment, and what is paid where there is no proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, JobId, Lane, LeaseId, ProverId, SessionId, TaskId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ReportedLease:
    """A lease that a result came for, with its job's place and its task; prices in base units per PU."""

    lease_id: LeaseId
    fence: int
    job_id: JobId
    task_id: TaskId
    prover_id: ProverId
    operator: Address
    session_id: SessionId
    lane: Lane
    round: int
    units: int
    buy_price: int
    sell_price: int
    fee_permille: int
    state: str
    reason: str
    prove_ms: int
    left_ms: int  #: until it runs out
    reported_ms: int  #: when its result was there; 0: not yet
    ended_for_ms: int  #: since it was taken back; 0 while it is held
    ran_ms: int
    slice: int
    input: int
    facts: Mapping[str, Any]
    job_state: str
    program_digest: Digest
    client: Address
    task_state: str


@dataclass(frozen=True, slots=True)
class SettledLease:
    """A lease whose proof counts now."""

    lease_id: LeaseId
    ran_ms: int
    hedges: int  #: second leases that its job had
    attempts: int  #: that counted against its job


@dataclass(frozen=True, slots=True)
class JobClaim:
    """Who said that a job cannot be proven, by which lease."""

    lease_id: LeaseId
    operator: Address


@dataclass(frozen=True, slots=True)
class RefutedClaim:
    """A lease whose prover said that its job cannot be proven; another one has proven it."""

    lease_id: LeaseId
    prover_id: ProverId
    lane: Lane
    units: int
    ran_ms: int


@dataclass(frozen=True, slots=True)
class WastedLease:
    """Work on an input that nobody can prove; the price in base units per PU."""

    lease_id: LeaseId
    job_id: JobId
    operator: Address
    units: int
    sell_price: int
    lane: Lane
    round: int
    fee_permille: int
    permille: int
    reported_ms: int
    ran_ms: int
    speed_units: int
    speed_wall_ms: int
    speed_samples: int


LEASES_OF_REPORTS = query("leases_of_reports", ReportedLease)
REPORT_LEASES = query("report_leases", None)
SETTLE_LEASES = query("settle_leases", SettledLease)
MOVE_ON = query("move_on", None)
CLAIMS_OF_JOB = query("claims_of_job", JobClaim)
REFUTED_CLAIMS = query("refuted_claims", RefutedClaim)
WORKS_OF_FAULT = query("works_of_fault", WastedLease)
