"""New provers: what a name that has shown nothing may do. The operator is who it is, so its new names share everything.

    slots      `first` in all, twice as many with each of their verified jobs, and no bound from eight on
    breaker    one for all beside each one's own; while it is open none has a slot, half-open one of them has one
    record     the operator's counters place them, not a fresh start

Names cost nothing. If each began for itself, whoever makes names would get slots, pauses and places without end.
A name with eight verified jobs stands for itself. Whoever was paused earns its slots in the same way again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.rules.reputation.breaker import PROOF, BreakerState
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS

NEWCOMER_SLOTS = 8  #: `first`, where a network says nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProver:
    """A connected prover with fewer verified jobs than it takes to stand for itself."""

    prover_id: str
    slots: int  #: of its machine; 0 while it is paused itself
    busy: int  #: slots
    jobs_proven: int
    is_judged: bool = False  #: a result of it has arrived, and is not verified yet


def earned_slots(slots: int, *, proofs: int, first: int) -> int:
    """Return how many slots may be used after so many verified jobs, busy ones included."""
    return slots if proofs >= NEWCOMER_PROOFS else min(slots, first << proofs)


def slots_after_pause(slots: int, outcomes: str, *, first: int) -> int:
    """Return how many slots a prover may use that was paused, and has not proven ten jobs in a row since.

    `outcomes`: of its last jobs, newest last (breaker.py).
    """
    return earned_slots(slots, proofs=len(outcomes) - len(outcomes.rstrip(PROOF)), first=first)


def slots_of_new(provers: Sequence[NewProver], *, breaker: BreakerState, first: int) -> dict[str, int]:
    """Return how many slots each of an operator's new provers may use, busy ones included.

    They are given one by one, in turn: who works first, then in the order of the provers' ids. `breaker` is the one
    that they share.
    """
    wanted = {one.prover_id: earned_slots(one.slots, proofs=one.jobs_proven, first=first) for one in provers}
    left = _allowance(provers, breaker=breaker, first=first, wanted=sum(wanted.values()))
    slots = dict.fromkeys(wanted, 0)
    waiting = [one.prover_id for one in sorted(provers, key=lambda one: (-one.busy, one.prover_id))]
    while left and (waiting := [one for one in waiting if slots[one] < wanted[one]]):
        for prover_id in waiting[:left]:
            slots[prover_id] += 1
        left -= min(left, len(waiting))
    return slots


def _allowance(provers: Sequence[NewProver], *, breaker: BreakerState, first: int, wanted: int) -> int:
    match breaker:
        case BreakerState.OPEN:
            return 0
        case BreakerState.HALF_OPEN:
            return 0 if any(one.is_judged for one in provers) else 1
        case BreakerState.CLOSED:
            return earned_slots(wanted, proofs=sum(one.jobs_proven for one in provers), first=first)
