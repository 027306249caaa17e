"""What holds for nested lanes: nobody loses, nothing is sold twice, prices fall on the way down, who left is out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.classes import LaneClearing, LaneOrders, carry_down, clear_classes
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.fast import clear_fast
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from tests.rules.market.test_dara_properties import quick, rules_for

OPEN = ClearingRules.suggested(None, sellers=2)


@st.composite
def stacks(draw: st.DrawFn) -> list[LaneOrders]:
    """One to four lanes; ids and ranks of sellers are unique over all of them."""
    price_max = draw(st.sampled_from([3, 20, 10**6, 2**62]))
    order = st.tuples(st.integers(1, draw(st.sampled_from([1, 4, 1000]))), st.integers(0, price_max))
    side = st.tuples(st.lists(order, max_size=6), st.lists(order, max_size=4))
    sides = draw(st.lists(side, min_size=1, max_size=4))
    ranks = iter(draw(st.permutations(range(sum(len(sellers) for _, sellers in sides)))))
    lanes = []
    for lane, (buyers, sellers) in enumerate(sides):
        buyer_ranks = draw(st.permutations(range(len(buyers))))
        lanes.append(
            LaneOrders(
                bids=[
                    Bid(order_id=f"b{lane}/{i}", units=units, price=price, rank=buyer_ranks[i])
                    for i, (units, price) in enumerate(buyers)
                ],
                asks=[
                    Ask(order_id=f"s{lane}/{i}", units=units, price=price, rank=next(ranks))
                    for i, (units, price) in enumerate(sellers)
                ],
                rules=draw(rules_for(price_max=price_max, sellers=len(sellers))),
            )
        )
    return lanes


def all_asks(lanes: Sequence[LaneOrders]) -> dict[str, Ask]:
    return {ask.order_id: ask for lane in lanes for ask in lane.asks}


@quick
@given(stacks())
def test_nobody_trades_at_a_loss_and_the_treasury_never_pays(lanes: list[LaneOrders]) -> None:
    asks = all_asks(lanes)
    for lane, cleared in zip(lanes, clear_classes(lanes), strict=True):
        limits = {bid.order_id: bid.price for bid in lane.bids}
        sold = dict(cleared.clearing.sold)
        assert all(limits[bid] >= cleared.clearing.buy_price for bid, _ in cleared.clearing.bought)
        assert all(cleared.sell_prices[ask] >= asks[ask].price for ask in sold)
        assert dict(cleared.payments) == {ask: cleared.sell_prices[ask] * units for ask, units in sold.items()}
        paid = sum(cleared.clearing.buy_price * units for _, units in cleared.clearing.bought)
        assert cleared.clearing.surplus == paid - sum(money for _, money in cleared.payments) >= 0


@quick
@given(stacks())
def test_no_seller_sells_more_than_she_has_and_no_buyer_gets_a_part(lanes: list[LaneOrders]) -> None:
    sold: Counter[str] = Counter()
    for lane, cleared in zip(lanes, clear_classes(lanes), strict=True):
        wanted = {bid.order_id: bid.units for bid in lane.bids}
        assert all(units == wanted[bid] for bid, units in cleared.clearing.bought)
        lane_sold = Counter(dict(cleared.clearing.sold))
        assert lane_sold.total() == cleared.clearing.units
        sold += lane_sold
    assert all(units <= all_asks(lanes)[ask].units for ask, units in sold.items())


@quick
@given(stacks())
def test_a_seller_is_paid_the_least_price_of_her_lanes(lanes: list[LaneOrders]) -> None:
    least: dict[str, int] = {}
    for cleared in clear_classes(lanes):
        for ask, price in cleared.sell_prices.items():
            least[ask] = min(least.get(ask, PRICE_MAX), cleared.clearing.sell_price)
            assert price == least[ask]


@quick
@given(stacks())
def test_each_lane_is_a_clearing_of_its_natives_and_of_what_is_left_above(lanes: list[LaneOrders]) -> None:
    carried: list[Ask] = []
    for lane, cleared in zip(lanes, clear_classes(lanes), strict=True):
        asks = [*lane.asks, *carried]
        alone = clear(lane.bids, asks, lane.rules)
        assert replace(cleared.clearing, surplus=alone.surplus) == alone
        assert cleared.sell_prices.keys() == dict(alone.still_in).keys()
        carried = [
            replace(ask, units=units)
            for ask in asks
            for name, units in alone.still_in
            if name == ask.order_id and units
        ]


@quick
@given(stacks())
def test_who_left_a_lane_or_sold_out_is_in_no_later_one(lanes: list[LaneOrders]) -> None:
    out: set[str] = set()
    seen: set[str] = set()
    for lane, cleared in zip(lanes, clear_classes(lanes), strict=True):
        seen |= {ask.order_id for ask in lane.asks}
        still_in = dict(cleared.clearing.still_in)
        assert not out & still_in.keys()
        out |= {ask for ask in seen if not still_in.get(ask)}


@quick
@given(stacks())
def test_the_fast_clearing_gives_the_same_stack(lanes: list[LaneOrders]) -> None:
    assert clear_classes(lanes, clear_lane=clear_fast) == clear_classes(lanes)


@quick
@given(stacks(), st.randoms(use_true_random=False))
def test_the_order_of_the_orders_does_not_matter(lanes: list[LaneOrders], random: Random) -> None:
    shuffled = [
        replace(lane, bids=random.sample(lane.bids, len(lane.bids)), asks=random.sample(lane.asks, len(lane.asks)))
        for lane in lanes
    ]
    assert clear_classes(shuffled) == clear_classes(lanes)


@quick
@given(stacks(), st.data())
def test_winners_and_who_is_still_in_do_not_move_any_lane(lanes: list[LaneOrders], data: st.DataObject) -> None:
    """The lemma: a winner may bid anything above her price, a seller ask anything below the last price she is paid."""
    cleared = clear_classes(lanes)
    last_price = {ask: price for lane in cleared for ask, price in lane.sell_prices.items()}
    left_below = _left_after_being_in(lanes, cleared)

    def other_bid(bid: Bid, lane: LaneClearing) -> Bid:
        if bid.order_id not in dict(lane.clearing.bought) or lane.clearing.buy_price >= PRICE_MAX - 1:
            return bid
        return replace(bid, price=data.draw(st.integers(lane.clearing.buy_price + 1, PRICE_MAX - 1)))

    def other_ask(ask: Ask) -> Ask:
        if ask.order_id in left_below or not last_price.get(ask.order_id):
            return ask
        return replace(ask, price=data.draw(st.integers(0, min(last_price[ask.order_id], PRICE_MAX) - 1)))

    changed = [
        replace(lane, bids=[other_bid(bid, done) for bid in lane.bids], asks=[other_ask(ask) for ask in lane.asks])
        for lane, done in zip(lanes, cleared, strict=True)
    ]
    assert clear_classes(changed) == cleared


def _left_after_being_in(lanes: Sequence[LaneOrders], cleared: Sequence[LaneClearing]) -> set[str]:
    """Return who was carried into a lane and left it: these do set a price."""
    left: set[str] = set()
    carried: list[Ask] = []
    for lane, done in zip(lanes, cleared, strict=True):
        left |= {ask.order_id for ask in carried} - dict(done.clearing.still_in).keys()
        carried = carry_down([*lane.asks, *carried], done.clearing.still_in)
    return left


@quick
@given(stacks(), st.integers(0, 4))
def test_a_lane_without_orders_changes_no_other_lane(lanes: list[LaneOrders], place: int) -> None:
    place = min(place, len(lanes))
    empty = LaneOrders(bids=[], asks=[], rules=OPEN)

    longer = clear_classes([*lanes[:place], empty, *lanes[place:]])

    assert longer[:place] + longer[place + 1 :] == clear_classes(lanes)


def test_a_large_prover_serves_a_small_job_at_the_price_of_her_own_lane() -> None:
    """Her lane's clock came down to 6; the small lane's rests at 9, yet she gets 6 there."""
    large = LaneOrders(
        bids=[],
        asks=[Ask(order_id="big", units=10, price=5, rank=0)],
        rules=replace(OPEN, ceil=6),
    )
    small = LaneOrders(
        bids=[Bid(order_id="b", units=12, price=20, rank=0)],
        asks=[Ask(order_id="little", units=10, price=8, rank=1), Ask(order_id="dear", units=10, price=9, rank=2)],
        rules=OPEN,
    )

    above, below = clear_classes([large, small])

    assert above.clearing.units == 0
    assert (below.clearing.buy_price, below.clearing.sell_price) == (9, 9)
    assert dict(below.payments) == {"big": 10 * 6, "little": 2 * 9}
    assert below.clearing.surplus == 10 * (9 - 6)


def test_a_lane_floor_keeps_a_quiet_large_lane_from_pricing_its_provers_out() -> None:
    """One small bid in the large lane: its clock sinks to the floor, and who asks more than that is gone below."""
    large = LaneOrders(
        bids=[Bid(order_id="quiet", units=1, price=50, rank=0)],
        asks=[Ask(order_id=f"big{i}", units=10, price=30 + i, rank=i) for i in range(4)],
        rules=ClearingRules.suggested(40, sellers=4),
    )
    small = LaneOrders(
        bids=[Bid(order_id=f"b{i}", units=6, price=60, rank=i) for i in range(4)],
        asks=[],
        rules=ClearingRules.suggested(35, sellers=4),
    )
    floor = small.rules.reference  # as `stack.run_stack` has it
    assert floor is not None

    without = clear_classes([large, small])
    with_floors = clear_classes([replace(large, rules=replace(large.rules, floor=floor)), small])

    assert large.rules.floor < floor
    assert with_floors[1].clearing.units > without[1].clearing.units


@pytest.mark.parametrize("twin", [{"order_id": "s"}, {"rank": 0}])
def test_a_seller_in_two_lanes_and_a_rank_given_twice_are_refused(twin: dict[str, str | int]) -> None:
    seller = Ask(order_id="s", units=1, price=1, rank=0)
    other = replace(Ask(order_id="t", units=1, price=1, rank=1), **twin)  # type: ignore[arg-type]
    lanes = [LaneOrders(bids=[], asks=[ask], rules=OPEN) for ask in (seller, other)]

    with pytest.raises(InvalidField) as caught:
        clear_classes(lanes)

    assert caught.value.field == "lanes[1].asks"
