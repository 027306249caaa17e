"""The circuit breaker of a prover: who fails again and again gets no work for a while, then one job at a time.

    closed --tripped--> open --pause_over--> half_open --proven--> closed
                          ^--------fault---------'
    closed: `proven`, `fault` stay; open: what was leased before the pause ends as it ends, and changes nothing

The state is in the prover's row and all gateways read it with the same clock, so a pause is over by time alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField

OUTCOMES_KEPT = 10
PROOF, FAULT = ".", "x"  #: in `Breaker.outcomes`
PAUSE_FIRST_MS = 30_000
PAUSE_MAX_MS = 3_600_000


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerEvent(StrEnum):
    PROVEN = "proven"
    FAULT = "fault"
    TRIPPED = "tripped"  #: a fault too many
    PAUSE_OVER = "pause_over"


BREAKER_TRANSITIONS: dict[tuple[BreakerState, BreakerEvent], BreakerState] = {
    (BreakerState.CLOSED, BreakerEvent.PROVEN): BreakerState.CLOSED,
    (BreakerState.CLOSED, BreakerEvent.FAULT): BreakerState.CLOSED,
    (BreakerState.CLOSED, BreakerEvent.TRIPPED): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.PROVEN): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.FAULT): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.PAUSE_OVER): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.PROVEN): BreakerState.CLOSED,
    (BreakerState.HALF_OPEN, BreakerEvent.FAULT): BreakerState.OPEN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a breaker opens, and for how long."""

    in_row_max: int = 3  #: so many faults in a row; 0: never
    of_ten_max: int = 5  #: or so many of the last ten; 0: never
    pause_first_ms: int = PAUSE_FIRST_MS
    pause_max_ms: int = PAUSE_MAX_MS

    def __post_init__(self) -> None:
        if not (0 <= self.in_row_max <= OUTCOMES_KEPT and 0 <= self.of_ten_max <= OUTCOMES_KEPT):
            raise InvalidField(f"0 to {OUTCOMES_KEPT} faults", field="breaker")
        if not 0 < self.pause_first_ms <= self.pause_max_ms:
            raise InvalidField("a pause takes time, the first one at most as much as the longest", field="breaker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The part of a prover's row that is its breaker."""

    outcomes: str = ""  #: of the last ten jobs, newest last: proof or fault
    pauses: int = 0  #: so many without ten proofs in a row since
    paused_until_ms: int = 0  #: 0: closed


def state_of(breaker: Breaker, *, now_ms: int) -> BreakerState:
    """Return the state as of now."""
    if not breaker.paused_until_ms:
        return BreakerState.CLOSED
    if now_ms < breaker.paused_until_ms:
        return BreakerState.OPEN
    return BREAKER_TRANSITIONS[BreakerState.OPEN, BreakerEvent.PAUSE_OVER]


def after_outcome(breaker: Breaker, *, fault: bool, policy: BreakerPolicy, now_ms: int) -> Breaker:
    """Return the breaker after a job of its prover was proven, or failed by its fault."""
    state = state_of(breaker, now_ms=now_ms)
    seen = replace(breaker, outcomes=(breaker.outcomes + (FAULT if fault else PROOF))[-OUTCOMES_KEPT:])
    event = BreakerEvent.FAULT if fault else BreakerEvent.PROVEN
    if state is BreakerState.CLOSED and fault and _is_too_much(seen.outcomes, policy):
        event = BreakerEvent.TRIPPED
    match state, BREAKER_TRANSITIONS[state, event]:
        case ((BreakerState.CLOSED | BreakerState.HALF_OPEN), BreakerState.OPEN):
            return replace(seen, pauses=seen.pauses + 1, paused_until_ms=now_ms + pause_ms(seen.pauses, policy=policy))
        case BreakerState.HALF_OPEN, BreakerState.CLOSED:
            return Breaker(outcomes=PROOF, pauses=seen.pauses)  # what it paused for is settled
        case BreakerState.CLOSED, BreakerState.CLOSED if seen.outcomes == PROOF * OUTCOMES_KEPT:
            return replace(seen, pauses=0)
    return seen


def after_proofs(breaker: Breaker, number: int, *, policy: BreakerPolicy, now_ms: int) -> Breaker:
    """Return the breaker after so many proofs in a row: the same as one after the other, in a few steps."""
    for _ in range(number):
        before = breaker
        breaker = after_outcome(breaker, fault=False, policy=policy, now_ms=now_ms)
        if breaker == before:
            break  # the last ten are all that is kept: one more changes nothing any more
    return breaker


def pause_ms(pauses: int, *, policy: BreakerPolicy) -> int:
    """Return how long the next pause is after so many."""
    return min(policy.pause_first_ms << min(pauses, 32), policy.pause_max_ms)


def _is_too_much(outcomes: str, policy: BreakerPolicy) -> bool:
    in_row = len(outcomes) - len(outcomes.rstrip(FAULT))
    return 0 < policy.in_row_max <= in_row or 0 < policy.of_ten_max <= outcomes.count(FAULT)
