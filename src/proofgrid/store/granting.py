"""Sold jobs become leases."""

from __future__ import annotations

from typing import TypedDict

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


GRANT_LEASES = query("grant_leases", int)
GRANT_HEDGES = query("grant_hedges", int)
