"""How provers stand, between their rows and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proofgrid.primitives.ids import Address, ProverId
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
    """Return provers' standings column by column, as `note_work` takes them."""
    return {"stands": list(stands), **_columns(stands)}


def operator_columns(stands: Mapping[Address, Standing]) -> dict[str, Sequence[object]]:
    """Return the same of operators."""
    return {"operators": list(stands), **{f"operator_{name}": column for name, column in _columns(stands).items()}}


def _columns(stands: Mapping[ProverId, Standing] | Mapping[Address, Standing]) -> dict[str, Sequence[object]]:
    ones = stands.values()
    return {
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
    connection: Connection, before: Mapping[str, Standing], after: Mapping[str, Standing], *, now_ms: int
) -> None:
    """Let the gateways tell provers, and the new ones of operators, whose pause has just begun, or is over."""
    told = [
        (name, PAUSED, pause_sentence(stand, now_ms=now_ms))
        for name, stand in after.items()
        if has_paused(before[name], stand)
    ]
    told += [
        (name, RESUMED, "a job verified: work as before")
        for name, stand in after.items()
        if has_resumed(before[name], stand)
    ]
    if told:
        names, codes, details = zip(*told, strict=True)
        await connection.run(TELL_PROVERS, names=names, codes=codes, details=details)
