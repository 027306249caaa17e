"""How provers stand, between their rows and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofgrid.rules.reputation.breaker import Breaker
from proofgrid.rules.reputation.buckets import bucket_of
from proofgrid.rules.reputation.counters import Counters, decayed
from proofgrid.rules.reputation.standing import (
    PAUSED,
    RESUMED,
    ReputationPolicy,
    Standing,
    has_paused,
    has_resumed,
    pause_sentence,
)
from proofgrid.store.queries import QUERIES


def standing_of(row: Any) -> Standing:
    """Return what a prover's row says."""
    return Standing(
        counters=counters_of(row),
        breaker=Breaker(outcomes=row["outcomes"], pauses=row["pauses"], paused_until_ms=row["paused_until_ms"]),
        last_faults=tuple(row["last_faults"].splitlines()),
    )


def counters_of(row: Any) -> Counters:
    """Return the counters in a row, as of when they were written."""
    return Counters(
        proven=row["proven_micro"],
        late=row["late_micro"],
        lost=row["lost_micro"],
        crashed=row["crashed_micro"],
        invalid=row["invalid_micro"],
        at_ms=row["facts_ms"],
    )


def bucket_now(counters: Counters, policy: ReputationPolicy, *, now_ms: int) -> int:
    """Return the bucket of a prover with these counters, as of now."""
    return bucket_of(decayed(counters, now_ms=now_ms, half_life_ms=policy.half_life_ms))


def standing_columns(stands: Sequence[Standing]) -> list[list[Any]]:
    """Return standings column by column, as `note_work` takes them."""
    return [
        [one.counters.proven for one in stands],
        [one.counters.late for one in stands],
        [one.counters.lost for one in stands],
        [one.counters.crashed for one in stands],
        [one.counters.invalid for one in stands],
        [one.counters.at_ms for one in stands],
        [one.breaker.outcomes for one in stands],
        [one.breaker.pauses for one in stands],
        [one.breaker.paused_until_ms for one in stands],
        ["\n".join(one.last_faults) for one in stands],
    ]


async def tell_paused(
    connection: Any, before: Mapping[str, Standing], after: Mapping[str, Standing], *, now_ms: int
) -> None:
    """Let the gateways tell provers whose pause has just begun, or is over."""
    told = [
        (prover_id, PAUSED, pause_sentence(stand, now_ms=now_ms))
        for prover_id, stand in after.items()
        if has_paused(before[prover_id], stand)
    ]
    told += [
        (prover_id, RESUMED, "a job verified: work as before")
        for prover_id, stand in after.items()
        if has_resumed(before[prover_id], stand)
    ]
    if told:
        await connection.execute(QUERIES["tell_provers"], *([one[side] for one in told] for side in range(3)))
