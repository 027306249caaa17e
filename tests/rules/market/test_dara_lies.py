"""Hypothesis looks for a coalition that gains: one to three orders, reporting prices next to those that matter.

Complements the exhaustive grids of test_dara_truthfulness: larger books, odd sizes, prices beyond 2^53, and reports
just below, at and just above every price in the book, the only ones at which an outcome can change.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import clear
from tests.rules.market import test_dara_truthfulness as exhaustive
from tests.rules.market.test_dara_properties import Market, markets

thorough = settings(deadline=None, derandomize=True, max_examples=300)


def turning_points(market: Market) -> list[int]:
    """Return the reports that can change something: around every price in the book and in the rules."""
    rules = market.rules
    prices = {bid.price for bid in market.bids} | {ask.price for ask in market.asks}
    prices |= {rules.floor, rules.ceil, *rules.window(sellers=len(market.asks))}
    near = {price + step for price in prices for step in (-1, 0, 1)}
    return sorted(price for price in near if 0 <= price < PRICE_MAX)


@pytest.mark.exhaustive
@thorough
@given(markets(), st.data())
def test_no_one_two_or_three_orders_all_gain_by_lying_together(market: Market, data: st.DataObject) -> None:
    truth = exhaustive.Market(bids=market.bids, asks=market.asks, rules=market.rules)
    honest = truth.gains(market.clear())
    if not honest:
        return
    price = st.sampled_from(turning_points(market))
    coalition = st.lists(st.sampled_from(sorted(honest)), min_size=1, max_size=3, unique=True)

    for _ in range(8):
        reports = {member: data.draw(price) for member in data.draw(coalition)}
        lying = truth.gains(clear(*truth.reporting(reports)))
        assert not all(lying[member] > honest[member] for member in reports), reports


@pytest.mark.exhaustive
@thorough
@given(markets())
def test_no_single_order_gains_at_any_turning_point(market: Market) -> None:
    market = replace(market, bids=market.bids[:6], asks=market.asks[:5])
    truth = exhaustive.Market(bids=market.bids, asks=market.asks, rules=market.rules)
    honest = truth.gains(market.clear())

    for liar in honest:
        for price in turning_points(market):
            assert truth.gains(clear(*truth.reporting({liar: price})))[liar] <= honest[liar], (liar, price)
