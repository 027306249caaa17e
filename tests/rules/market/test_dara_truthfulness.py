"""No order gains by another price, and no pair of orders gains together: searched through, not argued.

Every price on a grid is tried by every agent and by every pair of agents of many small random markets. The same
search must find the faults of a broken variant, or it would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product
from random import Random

import pytest

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import Clearing, clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

PRICE_GRID = range(6)
ClearingRule = Callable[[list[Bid], list[Ask], ClearingRules], Clearing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Orders at their true prices."""

    bids: list[Bid]
    asks: list[Ask]
    rules: ClearingRules

    def reporting(self, reports: Mapping[str, int]) -> tuple[list[Bid], list[Ask], ClearingRules]:
        bids = [replace(bid, price=reports.get(bid.order_id, bid.price)) for bid in self.bids]
        asks = [replace(ask, price=reports.get(ask.order_id, ask.price)) for ask in self.asks]
        return bids, asks, self.rules

    def gains(self, clearing: Clearing) -> dict[str, int]:
        """What everybody gains, by the true prices."""
        bought, sold = dict(clearing.bought), dict(clearing.sold)
        return {
            **{bid.order_id: (bid.price - clearing.buy_price) * bought.get(bid.order_id, 0) for bid in self.bids},
            **{ask.order_id: (clearing.sell_price - ask.price) * sold.get(ask.order_id, 0) for ask in self.asks},
        }


def random_market(random: Random) -> Market:
    buyers, sellers = random.randint(1, 4), random.randint(1, 4)
    reference = random.choice([None, *PRICE_GRID])
    rules = ClearingRules(
        floor=random.choice([0, 0, 1, 2]),
        ceil=random.choice([PRICE_MAX, PRICE_MAX, 5, 4]),
        reference=reference,
        window_low=random.choice([(4, 5), (1, 2)]),
        window_high=random.choice([(5, 4), (1, 1)]),
        share=random.choice([(1, 1), (1, 2)]),
    )
    return Market(
        bids=[
            Bid(order_id=f"b{i}", units=random.randint(1, 4), price=random.choice(PRICE_GRID), rank=rank)
            for i, rank in enumerate(random.sample(range(buyers), buyers))
        ],
        asks=[
            Ask(order_id=f"s{i}", units=random.randint(1, 5), price=random.choice(PRICE_GRID), rank=rank)
            for i, rank in enumerate(random.sample(range(sellers), sellers))
        ],
        rules=rules,
    )


def profitable_lies(market: Market, rule: ClearingRule, *, members: int) -> Iterator[dict[str, int]]:
    """Yield every joint report by which each of the members gains more than by the truth."""
    honest = market.gains(rule(market.bids, market.asks, market.rules))
    for coalition in combinations(honest, members):
        for prices in product(PRICE_GRID, repeat=members):
            reports = dict(zip(coalition, prices, strict=True))
            lying = market.gains(rule(*market.reporting(reports)))
            if all(lying[member] > honest[member] for member in coalition):
                yield reports


def clear_filling_the_cheapest_first(bids: list[Bid], asks: list[Ask], rules: ClearingRules) -> Clearing:
    """A broken variant: the same clocks, but who asks least sells first (dara.md, section 3)."""
    by_price = sorted(asks, key=lambda ask: (ask.price, ask.rank))
    return clear(bids, [replace(ask, rank=place) for place, ask in enumerate(by_price)], rules)


@pytest.mark.exhaustive
def test_nobody_gains_by_another_price_than_the_true_one() -> None:
    random = Random(20241750)
    trades = 0
    for _ in range(1500):
        market = random_market(random)
        trades += bool(clear(market.bids, market.asks, market.rules).bought)
        assert next(profitable_lies(market, clear, members=1), None) is None, market
    assert trades > 500


@pytest.mark.exhaustive
def test_no_pair_gains_by_lying_together() -> None:
    random = Random(20241751)
    for _ in range(800):
        market = random_market(random)
        assert next(profitable_lies(market, clear, members=2), None) is None, market


def test_the_search_finds_the_lie_that_a_broken_variant_invites() -> None:
    random = Random(20241752)
    found = 0
    for _ in range(400):
        market = random_market(random)
        found += any(True for _ in profitable_lies(market, clear_filling_the_cheapest_first, members=1))
    assert found > 0
