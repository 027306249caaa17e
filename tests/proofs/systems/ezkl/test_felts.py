"""Decimal numbers become integers and back, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.proofs.systems.ezkl.felts import MODULUS, decimal_of, integer_of, quantise, to_felt

INTEGERS = st.integers(-(2**61), 2**61)
SCALES = st.integers(0, 16)


@given(INTEGERS, SCALES)
def test_an_integer_survives_its_way_through_the_field(integer: int, scale: int) -> None:
    assert integer_of(to_felt(integer)) == integer
    assert Fraction(decimal_of(integer, scale)) == Fraction(integer, 2**scale)


@given(st.floats(-1e6, 1e6), SCALES)
def test_quantising_is_off_by_at_most_half_a_step(number: float, scale: int) -> None:
    exact = Fraction(repr(number)) * 2**scale

    assert abs(quantise(repr(number), scale) - exact) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "scale", "integer"),
    [
        ("0.4375", 7, 56),
        ("0.5", 0, 1),
        ("-0.5", 0, -1),
        ("2.5", 0, 3),
        ("-0.0", 7, 0),
        ("1e-05", 7, 0),
        ("12e2", 1, 2400),
    ],
)
def test_halves_are_rounded_away_from_zero(text: str, scale: int, integer: int) -> None:
    assert quantise(text, scale) == integer


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1/3", "0x10", "1e", " 1", "1_0", "9" * 41, "1e1000", "1e999999999"]
)
def test_a_text_that_is_no_decimal_number_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        quantise(text, 7)


def test_a_number_of_more_than_62_bits_is_refused() -> None:
    assert quantise(str(2**55 - 1), 7).bit_length() == 62

    with pytest.raises(ValueError, match="too large"):
        quantise(str(2**55), 7)


def test_a_negative_integer_is_the_upper_half_of_the_field() -> None:
    assert int.from_bytes(bytes.fromhex(to_felt(-1)), "little") == MODULUS - 1


@pytest.mark.parametrize(
    ("integer", "text"), [(477, "3.7265625"), (-133, "-1.0390625"), (576, "4.5"), (0, "0"), (-128, "-1")]
)
def test_a_decimal_has_no_trailing_zeros(integer: int, text: str) -> None:
    assert decimal_of(integer, 7) == text
