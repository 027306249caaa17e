"""Counters forget, in integers, and it does not matter in how many steps."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.reputation.counters import HALF_LIFE_MS, ONE, Counters, Fact, counted, decayed

DAY_MS = 24 * 3_600_000
NOW_MS = 1_700_000_000_000
amounts = st.integers(0, 10**14)
facts = st.dictionaries(st.sampled_from(Fact), st.integers(0, 1_000))
counters = st.builds(
    Counters,
    proven=amounts,
    late=amounts,
    lost=amounts,
    crashed=amounts,
    invalid=amounts,
    at_ms=st.integers(0, NOW_MS),
)


def test_a_count_halves_in_a_half_life_and_a_quarter_is_left_after_two() -> None:
    start = Counters(proven=8 * ONE, at_ms=NOW_MS)
    assert decayed(start, now_ms=NOW_MS + HALF_LIFE_MS).proven == 4 * ONE
    assert decayed(start, now_ms=NOW_MS + 2 * HALF_LIFE_MS).proven == 2 * ONE


def test_half_of_a_half_life_leaves_the_square_root_of_a_half() -> None:
    left = decayed(Counters(proven=ONE, at_ms=0), now_ms=HALF_LIFE_MS // 2).proven
    assert left == pytest.approx(707_106, abs=1)


def test_a_year_forgets_everything_that_anybody_could_do() -> None:
    assert decayed(Counters(invalid=1_000 * ONE, at_ms=NOW_MS), now_ms=NOW_MS + 365 * DAY_MS).invalid == 0


def test_time_that_runs_backwards_changes_nothing() -> None:
    start = Counters(proven=5, at_ms=NOW_MS)
    assert decayed(start, now_ms=NOW_MS - 1) == start


def test_what_was_counted_is_not_negative() -> None:
    with pytest.raises(InvalidField):
        Counters(lost=-1)


@given(counters, st.integers(0, 10 * HALF_LIFE_MS))
def test_decay_only_forgets_and_stays_in_integers(start: Counters, passed_ms: int) -> None:
    end = decayed(start, now_ms=start.at_ms + passed_ms)
    assert all(type(end.of(fact)) is int and 0 <= end.of(fact) <= start.of(fact) for fact in Fact)
    assert start.at_ms <= end.at_ms <= start.at_ms + passed_ms


@given(amounts, st.lists(st.integers(0, HALF_LIFE_MS // 3), min_size=1, max_size=20))
@example(398_566, [821_338, 212_255])
@example(99_999_999_999_998, [26_947_266, 18_457, 9_229])
def test_many_small_steps_forget_as_much_as_one_large_one(amount: int, waits_ms: list[int]) -> None:
    stepwise = start = Counters(proven=amount, at_ms=NOW_MS)
    now_ms = NOW_MS
    for wait_ms in waits_ms:
        now_ms += wait_ms
        stepwise = decayed(stepwise, now_ms=now_ms)
    at_once = decayed(start, now_ms=now_ms)
    # Each decay rounds down by at most one millionth. Parts of a millisecond that are lost on the way may make one step
    # of 1/65536 of a half-life more, which forgets less than one part in 90,000.
    # A factor is made of at most 16 roots and products of 48 bits, each rounded: of a hundred million facts one step
    # may keep up to a dozen millionths less.
    assert -(amount >> 43) <= at_once.proven - stepwise.proven <= 2 * len(waits_ms) + amount // 90_000 + 1
    assert stepwise.at_ms == pytest.approx(at_once.at_ms, abs=len(waits_ms) + 1 + HALF_LIFE_MS // 65_536)


@given(counters, amounts, st.integers(0, 5 * HALF_LIFE_MS))
def test_who_has_more_has_no_less_after_any_time(start: Counters, more: int, passed_ms: int) -> None:
    now_ms = start.at_ms + passed_ms
    richer = Counters(proven=start.proven + more, at_ms=start.at_ms)
    assert decayed(richer, now_ms=now_ms).proven >= decayed(start, now_ms=now_ms).proven


@given(counters, st.lists(facts, max_size=6), st.randoms(use_true_random=False))
def test_facts_of_one_time_may_come_in_any_order(start: Counters, all_facts: list[dict[Fact, int]], chance) -> None:  # type: ignore[no-untyped-def]
    now_ms = NOW_MS + HALF_LIFE_MS
    shuffled = list(all_facts)
    chance.shuffle(shuffled)
    one = other = start
    for given_facts in all_facts:
        one = counted(one, given_facts, now_ms=now_ms)
    for given_facts in shuffled:
        other = counted(other, given_facts, now_ms=now_ms)
    total: Counter[Fact] = Counter()
    for given_facts in all_facts:
        total.update(given_facts)
    if all_facts:
        assert one == other == counted(start, total, now_ms=now_ms)
