"""Provers that serve several stacks are offered in one of them at a time, whichever gateways hold the rounds.

Rounds of two stacks run side by side, each under its own lock, and each counts busy slots before it sells: a prover in
both would be sold twice. So a round takes its turn, a row that it holds until its leases are written, and counts again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from proofgrid.primitives.ids import ProverId
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import LOADS_OF_PROVERS, TAKE_TURNS, ServingProver


def free_of(provers: Sequence[ServingProver]) -> dict[ProverId, ServingProver]:
    """Return the provers with free slots, by id."""
    return {prover.prover_id: prover for prover in provers if prover.free_slots > 0}


async def take_free(
    connection: Connection, provers: Sequence[ServingProver]
) -> tuple[dict[ProverId, ServingProver], bool, bool]:
    """Return the provers with free slots that this round may offer; and of those that serve several stacks: is any
    busy, and was any left to a round that is being held?
    """
    free = free_of(provers)
    elsewhere = any(prover.stacks > 1 and prover.free_slots <= 0 for prover in provers)
    shared = [prover_id for prover_id, prover in free.items() if prover.stacks > 1]
    if not shared:
        return free, elsewhere, False
    mine = await connection.fetch(TAKE_TURNS, provers=shared)
    # A statement of its own: it sees what the round that had the turn before this one has sold.
    loads = {load.prover_id: load for load in await connection.fetch(LOADS_OF_PROVERS, provers=mine)}
    for prover_id in shared:
        prover, load = free.pop(prover_id), loads.get(prover_id)
        if load is not None and prover.slots > load.busy:
            free[prover_id] = replace(prover, busy=load.busy, memory_busy=load.memory_busy)
        elif load is not None:
            elsewhere = True
    return dict(sorted(free.items())), elsewhere, len(mine) < len(shared)
