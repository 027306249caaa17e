"""Sold jobs become leases."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from proofgrid.rules.jobs.phases import LeaseTimes
from proofgrid.store.lanes import ServingProver
from proofgrid.store.queries import query


class NewLease(TypedDict):
    """A lease to be granted, as JSON; times from now on. What all leases of a round share is not in it."""

    lease_id: str
    job_id: str
    task_id: str
    prover_id: str
    operator: str
    session_id: str  #: the prover's when the round began
    gateway_id: str
    units: int
    sell_price: int
    stake_bound: int
    pick_up_ms: int
    limit_ms: int
    prove_ms: int
    fee_permille: int


def new_lease(
    lease_id: UUID,
    *,
    job_id: str,
    task_id: str,
    prover: ServingProver,
    units: int,
    sell_price: int,
    stake_bound: int,
    fee_permille: int,
    timers: LeaseTimes,
) -> NewLease:
    """Return a lease to be granted; `timers` begin at 0, `sell_price` is per PU, `stake_bound` in base units."""
    return {
        "lease_id": str(lease_id),
        "job_id": job_id,
        "task_id": task_id,
        "prover_id": prover.prover_id,
        "operator": prover.operator,
        "session_id": str(prover.session_id),
        "gateway_id": str(prover.gateway_id),
        "units": units,
        "sell_price": sell_price,
        "stake_bound": stake_bound,
        "pick_up_ms": timers.phase_until_ms,
        "limit_ms": timers.until_ms,
        "prove_ms": timers.prove_ms,
        "fee_permille": fee_permille,
    }


GRANT_LEASES = query("grant_leases", int)
GRANT_HEDGES = query("grant_hedges", int)
