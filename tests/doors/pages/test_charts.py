"""Geometry of charts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.doors.pages.charts import Scale, spark, steps, ticks_between


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_ticks_are_few_round_and_within(first: int, second: int) -> None:
    low, high = sorted((first, second))

    ticks = ticks_between(low, high)

    assert len(ticks) <= 9
    assert all(low <= tick <= high for tick in ticks)


@given(st.integers(-10, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_every_value_finds_a_place_in_the_picture(value: int, first: int, second: int) -> None:
    low, high = sorted((first, second))

    assert 10 <= Scale(low=low, high=high, begin=10, end=90).at(value) <= 90


def test_steps_hold_until_the_next_point() -> None:
    assert steps([(0, 5), (10, 2)], until=20) == "M0 5 L10 5 L10 2 L20 2"
    assert steps([]) == ""


def test_a_single_value_is_no_line() -> None:
    assert spark([7]) == ""
    assert spark([7, 7]).startswith("M1 ")
