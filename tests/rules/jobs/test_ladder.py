"""A ladder climbs by its own steps, never beyond its end, and is checked before anything is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.jobs.ladder import EVERY_MAX_MS, EVERY_MIN_MS, PERMILLE_MAX, Ladder
from proofgrid.rules.jobs.request import calculate_escrow, check_request
from tests.makers import NOW_MS, a_request


def a_ladder(permille: int = 100, every_ms: int = 5_000, price_max: int = 2_000) -> Ladder:
    return Ladder(permille=permille, every_ms=every_ms, price_max=price_max)


@given(
    price=st.integers(1, 10**12),
    permille=st.integers(1, PERMILLE_MAX),
    more=st.integers(1, 10**12),
)
def test_every_step_is_higher_until_the_last_price_is_reached(price: int, permille: int, more: int) -> None:
    ladder = a_ladder(permille=permille, price_max=price + more)
    after = ladder.next_price(price)
    assert price < after <= ladder.price_max
    assert after in (ladder.price_max, price + max(1, price * permille // 1_000))
    assert ladder.next_price(ladder.price_max) == ladder.price_max


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"permille": 0}, "ladder.permille"),
        ({"permille": PERMILLE_MAX + 1}, "ladder.permille"),
        ({"every_ms": EVERY_MIN_MS - 1}, "ladder.every_ms"),
        ({"every_ms": EVERY_MAX_MS + 1}, "ladder.every_ms"),
        ({"price_max": 1_000}, "ladder.price_max"),
        ({"price_max": PRICE_MAX}, "ladder.price_max"),
    ],
)
def test_a_ladder_outside_its_rules_is_refused_by_field(changes: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check_request(a_request(limit_price=1_000, ladder=a_ladder(**changes)), inputs_max=9, now_ms=NOW_MS)
    assert caught.value.field == field


def test_the_last_price_is_put_aside_and_another_ladder_is_another_request() -> None:
    plain, climbing = a_request(limit_price=1_000), a_request(limit_price=1_000, ladder=a_ladder())
    assert calculate_escrow(plain, units=10) == 10_000
    assert calculate_escrow(climbing, units=10) == 20_000
    assert plain.content_digest != climbing.content_digest
    assert climbing.content_digest != a_request(limit_price=1_000, ladder=a_ladder(permille=99)).content_digest
