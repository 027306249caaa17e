"""How provers stand, between their rows and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.ids import ProverId
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
from proofgrid.store.connection import Connection
from proofgrid.store.reputation import TELL_PROVERS


def bucket_now(counters: Counters, policy: ReputationPolicy, *, now_ms: int) -> int:
    """Return the bucket of a prover with these counters, as of now."""
    return bucket_of(decayed(counters, now_ms=now_ms, half_life_ms=policy.half_life_ms))


def standing_columns(stands: Mapping[ProverId, Standing]) -> dict[str, Sequence[object]]:
    """Return standings column by column, as `note_work` takes them."""
    ones = stands.values()
    return {
        "stands": list(stands),
        "proven": [one.counters.proven for one in ones],
        "late": [one.counters.late for one in ones],
        "lost": [one.counters.lost for one in ones],
        "crashed": [one.counters.crashed for one in ones],
        "invalid": [one.counters.invalid for one in ones],
        "at_ms": [one.counters.at_ms for one in ones],
        "outcomes": [one.breaker.outcomes for one in ones],
        "pauses": [one.breaker.pauses for one in ones],
        "paused_until_ms": [one.breaker.paused_until_ms for one in ones],
        "last_faults": ["\n".join(one.last_faults) for one in ones],
    }


async def tell_paused(
    connection: Connection, before: Mapping[ProverId, Standing], after: Mapping[ProverId, Standing], *, now_ms: int
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
        provers, codes, details = zip(*told, strict=True)
        await connection.run(TELL_PROVERS, provers=provers, codes=codes, details=details)
