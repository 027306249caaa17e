"""The fast clearing agrees with the mechanism written down step by step, with nothing sorted and nothing remembered."""

from __future__ import annotations

from random import Random

import pytest

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules


def slow_clear(bids: list[Bid], asks: list[Ask], rules: ClearingRules) -> tuple[int, int, set[str], set[str]]:
    """Return both prices and who is still in, by the letter of dara.md, section 1."""
    sellers = {ask for ask in asks if ask.price <= rules.ceil}
    low, high = rules.window(sellers=len(sellers))
    supply = sum(ask.units for ask in sellers)
    buyers = {bid for bid in bids if bid.price >= rules.floor and bid.units * rules.share[1] <= rules.share[0] * supply}
    spare_at_start = supply - sum(bid.units for bid in buyers)
    buy, sell = rules.floor, rules.ceil

    while True:
        supply = sum(ask.units for ask in sellers)
        buyers = {bid for bid in buyers if bid.units <= supply}
        demand = sum(bid.units for bid in buyers)
        if demand == 0 or (buy >= sell and demand <= supply):
            return buy, sell, {bid.order_id for bid in buyers}, {ask.order_id for ask in sellers}

        stop: int | None
        if demand > supply:
            raises, stop = True, sell if buy < sell else None
        elif (supply - demand) * supply >= sum(ask.units**2 for ask in sellers):
            raises, stop = False, buy
        elif sell > max(high, buy):
            raises, stop = False, max(high, buy)
        elif buy < min(low, sell):
            raises, stop = True, min(low, sell)
        elif supply - demand < spare_at_start:
            raises, stop = True, sell
        else:
            raises, stop = False, buy

        if raises:
            lowest = min(buyers, key=lambda bid: (bid.price, -bid.rank))
            if stop is not None and lowest.price >= stop:
                buy = stop
            else:
                buy = lowest.price
                buyers.remove(lowest)
        else:
            assert stop is not None
            highest = max(sellers, key=lambda ask: (ask.price, ask.rank))
            if highest.price <= stop:
                sell = stop
            else:
                sell = highest.price
                sellers.remove(highest)


@pytest.mark.parametrize("seed", range(300))
def test_the_clearing_agrees_with_the_slow_one(seed: int) -> None:
    random = Random(seed)
    units_max, price_max = random.choice([1, 5, 60]), random.choice([4, 40, 10**9])
    buyers, sellers = random.randint(0, 60), random.randint(0, 25)
    bids = [
        Bid(order_id=f"b{i}", units=random.randint(1, units_max), price=random.randint(0, price_max), rank=rank)
        for i, rank in enumerate(random.sample(range(buyers), buyers))
    ]
    asks = [
        Ask(order_id=f"s{i}", units=random.randint(1, 4 * units_max), price=random.randint(0, price_max), rank=rank)
        for i, rank in enumerate(random.sample(range(sellers), sellers))
    ]
    rules = ClearingRules(
        floor=random.choice([0, price_max // 4]),
        ceil=random.choice([PRICE_MAX, price_max]),
        reference=random.choice([None, price_max // 2, random.randint(0, price_max)]),
        window_low=(4, 5),
        window_high=(5, 4),
        share=random.choice([(1, 1), (1, 2)]),
    )

    clearing = clear(bids, asks, rules)

    buy, sell, buyers_in, sellers_in = slow_clear(bids, asks, rules)
    assert (clearing.buy_price, clearing.sell_price) == (buy, sell)
    assert dict(clearing.bought).keys() == buyers_in
    assert dict(clearing.still_in).keys() == sellers_in
