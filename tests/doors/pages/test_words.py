"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.doors.pages import words
from proofgrid.primitives.money import AMOUNT_MAX


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (1_250_000, "0.00125"),
        (123_456_789, "0.1234"),
        (1_500_000_000, "1.5"),
        (1_234_567_890_123_456, "1,234,567.8901"),
        (-20_000_000, "-0.02"),
    ],
)
def test_amounts_are_short_and_in_tokens(amount: int, text: str) -> None:
    assert words.tokens(amount) == text


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_an_amount_of_something_never_reads_as_nothing(amount: int) -> None:
    assert (words.tokens(amount) in ("0", "-0")) == (amount == 0)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, words.NOTHING),
        (-5, "0 ms"),
        (820, "820 ms"),
        (12_340, "12.3 s"),
        (59_960, "60.0 s"),
        (250_000, "4 min 10 s"),
        (7_500_000, "2 h 5 min"),
        (86_400_000 * 3, "3 d"),
    ],
)
def test_spans_have_two_units_at_most(ms: int | None, text: str) -> None:
    assert words.span(ms) == text


@given(st.integers(0, 2**45), st.integers(0, 2**45))
def test_any_moment_can_be_told_from_any_other(at_ms: int, now_ms: int) -> None:
    told = words.ago(at_ms, now_ms)

    assert told == "just now" or told.endswith(" ago") == (at_ms < now_ms)


def test_a_moment_is_exact_in_its_title() -> None:
    assert words.moment(1_796_000_000_123) == "2026-11-30 00:53:20.123 UTC"
    assert words.machine_time(1_796_000_000_123) == "2026-11-30T00:53:20.123Z"


def test_one_is_one_and_two_are_many() -> None:
    assert (words.many(1, "prover"), words.many(1_200, "prover")) == ("1 prover", "1,200 provers")
