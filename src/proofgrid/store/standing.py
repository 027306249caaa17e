"""How provers stand, between their rows and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.ids import ProverId
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
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class ProverStanding:
    """How a prover stands, as of when it was written."""

    prover_id: ProverId
    proven_micro: int
    late_micro: int
    lost_micro: int
    crashed_micro: int
    invalid_micro: int
    facts_ms: int
    outcomes: str
    pauses: int
    paused_until_ms: int
    last_faults: str
    now_ms: int

    @property
    def standing(self) -> Standing:
        """Its counters, its breaker and its latest faults."""
        return Standing(
            counters=Counters(
                proven=self.proven_micro,
                late=self.late_micro,
                lost=self.lost_micro,
                crashed=self.crashed_micro,
                invalid=self.invalid_micro,
                at_ms=self.facts_ms,
            ),
            breaker=Breaker(outcomes=self.outcomes, pauses=self.pauses, paused_until_ms=self.paused_until_ms),
            last_faults=tuple(self.last_faults.splitlines()),
        )


GET_PROVER = query("get_prover", ProverStanding)
TELL_PROVERS = query("tell_provers", None)


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


def bucket_of_row(row: Any, policy: ReputationPolicy) -> int:
    """Return the bucket of a prover as of now; the row says what time it is."""
    return bucket_of(decayed(counters_of(row), now_ms=row["now_ms"], half_life_ms=policy.half_life_ms))


def standing_columns(stands: Sequence[Standing]) -> dict[str, list[int] | list[str]]:
    """Return standings column by column, as `note_work` takes them."""
    return {
        "proven": [one.counters.proven for one in stands],
        "late": [one.counters.late for one in stands],
        "lost": [one.counters.lost for one in stands],
        "crashed": [one.counters.crashed for one in stands],
        "invalid": [one.counters.invalid for one in stands],
        "at_ms": [one.counters.at_ms for one in stands],
        "outcomes": [one.breaker.outcomes for one in stands],
        "pauses": [one.breaker.pauses for one in stands],
        "paused_until_ms": [one.breaker.paused_until_ms for one in stands],
        "last_faults": ["\n".join(one.last_faults) for one in stands],
    }


async def tell_paused(
    connection: Connection, before: Mapping[str, Standing], after: Mapping[str, Standing], *, now_ms: int
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
        prover_ids, codes, details = ([one[side] for one in told] for side in range(3))
        await connection.run(TELL_PROVERS, prover_ids=prover_ids, codes=codes, details=details)
