"""Prices: base units per PU inside, tokens per million PU for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import format_price, parse_price, typed_price


@given(st.integers(1, 10**12))
def test_what_is_shown_may_be_typed(price: int) -> None:
    assert parse_price(typed_price(price)) == price
    assert parse_price(f"{format_price(price)}/MPU") == price


def test_a_whole_number_alone_is_base_units_per_pu_as_ever() -> None:
    assert parse_price("1500") == parse_price(1500) == parse_price("1.5/M") == 1_500
    assert format_price(1_500) == "1.5"
    assert parse_price("0", least=0) == 0


@pytest.mark.parametrize("text", ["", "1.5", "x", "-1", "1/PU", "1.0001/M", "0", "0/M", "1e3", "99999999999999999/M"])
def test_what_could_mean_two_prices_or_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        parse_price(text, field="ask")
    assert refused.value.field == "ask"
