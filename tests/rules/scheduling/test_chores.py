"""Of several that live each chore has one doer, and it moves only when it must."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.scheduling.chores import doer_of

NUMBERS = st.sets(st.integers(min_value=1, max_value=16), min_size=1)


@given(st.text(), NUMBERS)
def test_one_of_the_living_does_it_whoever_asks(chore: str, living: set[int]) -> None:
    assert doer_of(chore, living) in living
    assert doer_of(chore, sorted(living, reverse=True)) == doer_of(chore, living)


@given(st.text(), NUMBERS, st.integers(min_value=1, max_value=16))
def test_only_the_chores_of_the_dead_move(chore: str, living: set[int], dead: int) -> None:
    before, after = doer_of(chore, living | {dead}), doer_of(chore, living - {dead})
    assert after == (None if living == {dead} else before if before != dead else after)


def test_where_nobody_lives_nobody_does_it() -> None:
    assert doer_of("watch", ()) is None


def test_many_chores_are_spread_over_all() -> None:
    counts = Counter(doer_of(f"default/system-{number}", range(1, 5)) for number in range(1_000))
    assert min(counts.values()) > 150
