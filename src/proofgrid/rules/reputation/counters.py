"""What a prover's verified facts add up to, and how that is forgotten: counters that halve in a fixed time.

Integers only. Counts are kept in millionths, time passes in whole steps of a 65536th of the half-life, and what is left
of a step waits in `at_ms`: so many small steps forget as much as one large one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from math import isqrt

from proofgrid.primitives.errors import InvalidField

ONE = 1_000_000  #: one fact
HALF_LIFE_MS = 7 * 24 * 3_600_000
_STEP_BITS = 16  #: steps of a half-life
_FACTOR_BITS = 48


class Fact(StrEnum):
    """What the gateways saw themselves; nobody's word."""

    PROVEN = "proven"  #: a proof that was verified
    LATE = "late"  #: such a proof after more than its lease's own time for proving; counted beside `proven`
    LOST = "lost"  #: fell silent, or did not end in time
    CRASHED = "crashed"  #: its child failed, or it handed a lease back for what nobody could confirm
    INVALID = "invalid"  #: handed in what is no proof of the job


FAULTS = (Fact.LOST, Fact.CRASHED, Fact.INVALID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Decayed counts in millionths, as of `at_ms`."""

    proven: int = 0
    late: int = 0
    lost: int = 0
    crashed: int = 0
    invalid: int = 0
    at_ms: int = 0

    def __post_init__(self) -> None:
        if min(self.proven, self.late, self.lost, self.crashed, self.invalid, self.at_ms) < 0:
            raise InvalidField("what was counted is not negative", field="counters")

    def of(self, fact: Fact) -> int:
        """Return the count of one fact."""
        return int(getattr(self, fact.value))


def decayed(counters: Counters, *, now_ms: int, half_life_ms: int = HALF_LIFE_MS) -> Counters:
    """Return the counters as of now. Time that runs backwards changes nothing."""
    steps = max(0, now_ms - counters.at_ms) * (1 << _STEP_BITS) // half_life_ms
    if not steps:
        return counters
    passed_ms = steps * half_life_ms >> _STEP_BITS
    at_ms = counters.at_ms + passed_ms
    if not (counters.proven or counters.late or counters.lost or counters.crashed or counters.invalid):
        return Counters(at_ms=at_ms)  # a round asks this of every new prover
    return Counters(**{fact.value: _after(counters.of(fact), steps) for fact in Fact}, at_ms=at_ms)


def counted(
    counters: Counters, facts: Mapping[Fact, int], *, now_ms: int, half_life_ms: int = HALF_LIFE_MS
) -> Counters:
    """Return the counters after so many facts that came to light now."""
    now = decayed(counters, now_ms=now_ms, half_life_ms=half_life_ms)
    return replace(now, **{fact.value: now.of(fact) + number * ONE for fact, number in facts.items()})


def _after(value: int, steps: int) -> int:
    halvings, rest = divmod(steps, 1 << _STEP_BITS)
    return (value >> min(halvings, 64)) * _factor(rest) >> _FACTOR_BITS


@lru_cache(maxsize=4_096)
def _factor(steps: int) -> int:
    """Return 2^(-steps / 65536) as a fixed-point number: one square root of a half for every bit of `steps`."""
    factor = root = 1 << _FACTOR_BITS
    root >>= 1
    for bit in reversed(range(_STEP_BITS)):
        root = isqrt(root << _FACTOR_BITS)
        if steps >> bit & 1:
            factor = factor * root >> _FACTOR_BITS
    return factor
