"""No order gains by another price in nested lanes, and no pair does, also across lanes: searched through, not argued.

Every price on a grid is tried by every agent and by every pair of agents of many small random stacks of lanes. Two
tempting variants break it, and the same search must find that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from random import Random

import pytest

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.classes import LaneClearing, LaneOrders, carry_down, clear_classes
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

PRICE_GRID = range(6)
STACKS = 1500  #: enough to find the faults of the broken variants below
Stack = Sequence[LaneOrders]
StackRule = Callable[[Stack], Sequence[LaneClearing]]


def random_stack(random: Random) -> list[LaneOrders]:
    """Return two or three lanes of few orders."""
    ranks = iter(random.sample(range(9), 9))
    return [
        LaneOrders(
            bids=[
                Bid(order_id=f"b{lane}/{i}", units=random.randint(1, 4), price=random.choice(PRICE_GRID), rank=i)
                for i in range(random.randint(0, 2))
            ],
            asks=[
                Ask(order_id=f"s{lane}/{i}", units=random.randint(1, 5), price=random.choice(PRICE_GRID), rank=rank)
                for i, rank in zip(range(random.randint(0, 2)), ranks, strict=False)
            ],
            rules=ClearingRules(
                floor=random.choice([0, 0, 1, 2]),
                ceil=random.choice([PRICE_MAX, PRICE_MAX, 5, 4]),
                reference=random.choice([None, *PRICE_GRID]),
                window_low=random.choice([(4, 5), (1, 2)]),
                window_high=random.choice([(5, 4), (1, 1)]),
                share=random.choice([(1, 1), (1, 2)]),
            ),
        )
        for lane in range(random.randint(2, 3))
    ]


def reporting(lanes: Stack, reports: Mapping[str, int]) -> list[LaneOrders]:
    return [
        replace(
            lane,
            bids=[replace(bid, price=reports.get(bid.order_id, bid.price)) for bid in lane.bids],
            asks=[replace(ask, price=reports.get(ask.order_id, ask.price)) for ask in lane.asks],
        )
        for lane in lanes
    ]


def gains(truth: Stack, cleared: Sequence[LaneClearing]) -> Mapping[str, int]:
    """What everybody gains over all lanes, by the true prices."""
    values = {bid.order_id: bid.price for lane in truth for bid in lane.bids}
    costs = {ask.order_id: ask.price for lane in truth for ask in lane.asks}
    found = Counter(dict.fromkeys([*values, *costs], 0))
    for lane in cleared:
        for bid, units in lane.clearing.bought:
            found[bid] += (values[bid] - lane.clearing.buy_price) * units
        for ask, units in lane.clearing.sold:
            found[ask] += (lane.sell_prices[ask] - costs[ask]) * units
    return found


def profitable_lies(lanes: Stack, rule: StackRule, *, members: int) -> Iterator[dict[str, int]]:
    """Yield every joint report by which each of the members gains more than by the truth."""
    honest = gains(lanes, rule(lanes))
    for coalition in combinations(honest, members):
        for prices in product(PRICE_GRID, repeat=members):
            reports = dict(zip(coalition, prices, strict=True))
            lying = gains(lanes, rule(reporting(lanes, reports)))
            if all(lying[member] > honest[member] for member in coalition):
                yield reports


def sells_carried_capacity(lanes: Stack) -> bool:
    natives = [{ask.order_id for ask in lane.asks} for lane in lanes]
    return any(
        dict(done.clearing.sold).keys() - native for done, native in zip(clear_classes(lanes), natives, strict=True)
    )


def clear_paying_each_lane_alone(lanes: Stack) -> list[LaneClearing]:
    """A broken variant: the price of an earlier lane does not bound the payment."""
    return [
        replace(done, sell_prices=dict.fromkeys(done.sell_prices, done.clearing.sell_price))
        for done in clear_classes(lanes)
    ]


def clear_forgiving_who_left(lanes: Stack) -> list[LaneClearing]:
    """A broken variant: who left a lane is back in the next one, with all her units."""
    cleared: list[LaneClearing] = []
    carried: list[Ask] = []
    for lane in lanes:
        asks = [*lane.asks, *carried]
        clearing = clear(lane.bids, asks, lane.rules)
        prices = {ask.order_id: clearing.sell_price for ask in asks}
        cleared.append(LaneClearing(clearing=clearing, sell_prices=prices))
        sold = dict(clearing.sold)
        unsold = [(ask.order_id, ask.units - sold.get(ask.order_id, 0)) for ask in asks]
        carried = carry_down(asks, unsold)
    return cleared


@pytest.mark.exhaustive
def test_nobody_gains_by_another_price_than_the_true_one() -> None:
    random = Random(20241760)
    carried = 0
    for _ in range(STACKS):
        lanes = random_stack(random)
        carried += sells_carried_capacity(lanes)
        assert next(profitable_lies(lanes, clear_classes, members=1), None) is None, lanes
    assert carried > 100


@pytest.mark.exhaustive
def test_no_pair_gains_by_lying_together_also_across_lanes() -> None:
    random = Random(20241761)
    carried = 0
    for _ in range(300):
        lanes = random_stack(random)
        carried += sells_carried_capacity(lanes)
        assert next(profitable_lies(lanes, clear_classes, members=2), None) is None, lanes
    assert carried > 25


@pytest.mark.exhaustive
@pytest.mark.parametrize("variant", [clear_paying_each_lane_alone, clear_forgiving_who_left])
def test_the_search_finds_the_lies_that_a_broken_variant_invites(variant: StackRule) -> None:
    random = Random(20241762)
    stacks = (random_stack(random) for _ in range(STACKS))
    assert any(next(profitable_lies(lanes, variant, members=1), None) for lanes in stacks)
