"""Provers that serve several stacks are offered in one of them at a time, whichever gateways hold the rounds.

Rounds of two stacks run side by side, each under its own lock, and each counts busy slots before it sells: a prover in
both would be sold twice. So a round takes its turn, a row that it holds until its leases are written, and counts again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proofgrid.store.queries import QUERIES


def free_of(sessions: Sequence[Any]) -> dict[str, Any]:
    """Return the sessions with free slots, by prover."""
    return {row["prover_id"]: row for row in sessions if row["slots"] > row["busy"]}


async def take_free(connection: Any, sessions: Sequence[Any]) -> tuple[dict[str, Any], bool, bool]:
    """Return the sessions with free slots that this round may offer; and of those that serve several stacks: is any
    busy, and was any left to a round that is being held?
    """
    free = free_of(sessions)
    elsewhere = any(row["stacks"] > 1 and row["slots"] <= row["busy"] for row in sessions)
    shared = [prover_id for prover_id, row in free.items() if row["stacks"] > 1]
    if not shared:
        return free, elsewhere, False
    mine = [row["prover_id"] for row in await connection.fetch(QUERIES["take_turns"], shared)]
    # A statement of its own: it sees what the round that had the turn before this one has sold.
    loads = {row["prover_id"]: row for row in await connection.fetch(QUERIES["loads_of_provers"], mine)}
    for prover_id in shared:
        row, load = free.pop(prover_id), loads.get(prover_id)
        if load is not None and row["slots"] > load["busy"]:
            free[prover_id] = dict(row) | {"busy": load["busy"], "memory_busy": load["memory_busy"]}
        elif load is not None:
            elsewhere = True
    return dict(sorted(free.items())), elsewhere, len(mine) < len(shared)
