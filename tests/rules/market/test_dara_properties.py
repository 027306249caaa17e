"""What holds for every clearing (dara.md, section 2): nobody loses, the treasury never pays, sizes are kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import Clearing, clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from proofgrid.rules.market.reference import next_reference

quick = settings(deadline=None, derandomize=True, max_examples=150)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    bids: list[Bid]
    asks: list[Ask]
    rules: ClearingRules

    def clear(self) -> Clearing:
        return clear(self.bids, self.asks, self.rules)


@st.composite
def rules_for(draw: st.DrawFn, *, price_max: int, sellers: int) -> ClearingRules:
    reference = draw(st.none() | st.integers(0, price_max))
    if draw(st.booleans()):
        return ClearingRules.suggested(reference, sellers=sellers)
    return ClearingRules(
        floor=draw(st.integers(0, price_max // 2)),
        ceil=draw(st.just(PRICE_MAX) | st.integers(price_max // 2, price_max)),
        reference=reference,
        window_low=draw(st.sampled_from([(1, 2), (4, 5), (1, 1)])),
        window_high=draw(st.sampled_from([(1, 1), (5, 4), (2, 1)])),
        share=draw(st.sampled_from([(1, 4), (1, 2), (1, 1)])),
    )


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Small prices make ties, large ones pass 2^53."""
    price_max = draw(st.sampled_from([3, 20, 10**6, 2**62]))
    order = st.tuples(st.integers(1, draw(st.sampled_from([1, 4, 1000]))), st.integers(0, price_max))
    buyers = draw(st.lists(order, max_size=14))
    sellers = draw(st.lists(order, max_size=9))
    buyer_ranks = draw(st.permutations(range(len(buyers))))
    seller_ranks = draw(st.permutations(range(len(sellers))))
    return Market(
        bids=[
            Bid(order_id=f"b{i}", units=units, price=price, rank=buyer_ranks[i])
            for i, (units, price) in enumerate(buyers)
        ],
        asks=[
            Ask(order_id=f"s{i}", units=units, price=price, rank=seller_ranks[i])
            for i, (units, price) in enumerate(sellers)
        ],
        rules=draw(rules_for(price_max=price_max, sellers=len(sellers))),
    )


@quick
@given(markets())
def test_nobody_trades_at_a_loss_and_the_treasury_never_pays(market: Market) -> None:
    clearing = market.clear()

    bid_prices = {bid.order_id: bid.price for bid in market.bids}
    ask_prices = {ask.order_id: ask.price for ask in market.asks}
    assert all(bid_prices[order] >= clearing.buy_price >= market.rules.floor for order, _ in clearing.bought)
    assert all(ask_prices[order] <= clearing.sell_price <= market.rules.ceil for order, _ in clearing.sold)
    paid = sum(clearing.buy_price * units for _, units in clearing.bought)
    received = sum(clearing.sell_price * units for _, units in clearing.sold)
    assert clearing.surplus == paid - received >= 0


@quick
@given(markets())
def test_buyers_get_all_or_nothing_and_sellers_keep_their_capacity(market: Market) -> None:
    clearing = market.clear()

    wanted = {bid.order_id: bid.units for bid in market.bids}
    capacity = {ask.order_id: ask.units for ask in market.asks}
    sold = dict(clearing.sold)
    assert all(units == wanted[order] for order, units in clearing.bought)
    assert all(sold.get(order, 0) + unsold == capacity[order] for order, unsold in clearing.still_in)
    assert sold.keys() <= dict(clearing.still_in).keys()
    assert sum(sold.values()) == clearing.units


@quick
@given(markets())
def test_slices_give_every_winner_and_every_seller_exactly_their_units(market: Market) -> None:
    clearing = market.clear()

    per_bid: Counter[str] = Counter()
    per_ask: Counter[str] = Counter()
    for bid, ask, units in clearing.slices:
        assert units > 0
        per_bid[bid] += units
        per_ask[ask] += units
    assert per_bid == dict(clearing.bought)
    assert per_ask == dict(clearing.sold)
    assert len(clearing.slices) <= max(0, len(clearing.bought) + len(clearing.sold) - 1)


@quick
@given(markets())
def test_sellers_are_filled_in_rank_order_and_never_by_price(market: Market) -> None:
    clearing = market.clear()

    rank = {ask.order_id: ask.rank for ask in market.asks}
    still_in = [order for order, _ in clearing.still_in]
    assert still_in == sorted(still_in, key=lambda order: rank[order])
    assert [order for order, _ in clearing.sold] == still_in[: len(clearing.sold)]
    assert all(unsold == 0 for _, unsold in clearing.still_in[: max(0, len(clearing.sold) - 1)])


@quick
@given(markets(), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_does_not_matter(market: Market, random: Random) -> None:
    bids, asks = list(market.bids), list(market.asks)
    random.shuffle(bids)
    random.shuffle(asks)

    assert clear(bids, asks, market.rules) == market.clear()


@quick
@given(markets(), st.data())
def test_winners_do_not_move_the_outcome(market: Market, data: st.DataObject) -> None:
    """The lemma on which all truthfulness rests."""
    clearing = market.clear()
    winners = dict(clearing.bought).keys()
    sellers = dict(clearing.still_in).keys()

    bids = [
        replace(bid, price=data.draw(st.integers(clearing.buy_price + 1, PRICE_MAX - 1)))
        if bid.order_id in winners and clearing.buy_price < PRICE_MAX - 1
        else bid
        for bid in market.bids
    ]
    asks = [
        replace(ask, price=data.draw(st.integers(0, min(clearing.sell_price, PRICE_MAX) - 1)))
        if ask.order_id in sellers and clearing.sell_price > 0
        else ask
        for ask in market.asks
    ]

    assert clear(bids, asks, market.rules) == clearing


@quick
@given(markets())
def test_among_equal_buyers_the_better_rank_wins(market: Market) -> None:
    winners = dict(market.clear().bought)

    for loser in market.bids:
        if loser.order_id not in winners:
            twins = [b for b in market.bids if (b.units, b.price) == (loser.units, loser.price)]
            assert all(twin.rank < loser.rank for twin in twins if twin.order_id in winners)


def test_the_worse_rank_leaves_first_on_both_sides() -> None:
    bids = [Bid(order_id=f"b{rank}", units=1, price=10, rank=rank) for rank in range(3)]
    asks = [Ask(order_id=f"s{rank}", units=1, price=4, rank=rank) for rank in range(2)]

    clearing = clear(bids, asks, ClearingRules.suggested(None, sellers=2))

    assert dict(clearing.bought) == {"b0": 1, "b1": 1}
    assert clearing.buy_price == 10
    assert dict(clearing.sold) == {"s0": 1, "s1": 1}


def test_a_lone_seller_trades_at_the_reference_or_not_at_all() -> None:
    bids = [Bid(order_id="b", units=2, price=100, rank=0)]
    rules = ClearingRules.suggested(40, sellers=1)

    at_reference = clear(bids, [Ask(order_id="s", units=4, price=40, rank=0)], rules)
    above_reference = clear(bids, [Ask(order_id="s", units=4, price=41, rank=0)], rules)

    assert (at_reference.buy_price, at_reference.sell_price, at_reference.units) == (40, 40, 2)
    assert above_reference.units == 0


def test_a_bid_for_the_whole_supply_is_refused_where_four_sellers_compete() -> None:
    asks = [Ask(order_id=f"s{i}", units=5, price=10, rank=i) for i in range(4)]
    whale = Bid(order_id="whale", units=20, price=1000, rank=0)
    other = Bid(order_id="other", units=5, price=12, rank=1)

    clearing = clear([whale, other], asks, ClearingRules.suggested(10, sellers=4))

    assert dict(clearing.bought) == {"other": 5}


def test_the_suggested_rules_are_those_of_the_design() -> None:
    rules = ClearingRules.suggested(1001, sellers=4)

    assert (rules.floor, rules.ceil, rules.share) == (250, 4004, (1, 2))
    assert rules.window(sellers=4) == (800, 1252)
    assert ClearingRules.suggested(1001, sellers=3).share == (1, 1)
    assert ClearingRules.suggested(1001, sellers=1).window(sellers=1) == (1001, 1001)
    assert ClearingRules.suggested(None, sellers=4).window(sellers=4) == (0, PRICE_MAX)
    assert ClearingRules.suggested(PRICE_MAX, sellers=2).ceil == PRICE_MAX


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"units": 0}, "units"),
        ({"units": True}, "units"),
        ({"price": -1}, "price"),
        ({"price": PRICE_MAX}, "price"),
        ({"price": 1.5}, "price"),
        ({"rank": -1}, "rank"),
    ],
)
def test_a_bad_order_is_refused_with_the_name_of_its_field(change: dict[str, int], field: str) -> None:
    for kind in (Bid, Ask):
        with pytest.raises(InvalidField) as caught:
            kind(**{"order_id": "x", "units": 1, "price": 1, "rank": 0, **change})  # type: ignore[arg-type]
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"floor": -1}, "floor"),
        ({"ceil": PRICE_MAX + 1}, "ceil"),
        ({"reference": 0.5}, "reference"),
        ({"window_low": (1, 0)}, "window_low"),
        ({"window_low": (3, 2)}, "window_low"),
        ({"share": (3, 2)}, "share"),
        ({"share": (0, 2)}, "share"),
    ],
)
def test_bad_rules_are_refused_with_the_name_of_their_field(change: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        replace(ClearingRules.suggested(100, sellers=4), **change)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_two_orders_with_one_id_or_one_rank_are_refused() -> None:
    bid = Bid(order_id="b", units=1, price=1, rank=0)
    rules = ClearingRules.suggested(None, sellers=2)

    for twin in (replace(bid, rank=1), replace(bid, order_id="c")):
        with pytest.raises(InvalidField) as caught:
            clear([bid, twin], [], rules)
        assert caught.value.field == "bids"


@quick
@given(markets())
def test_a_reference_moves_by_at_most_an_eighth(market: Market) -> None:
    reference = market.rules.reference
    following = next_reference(reference, market.clear(), market.bids, market.asks)

    if reference is not None:
        assert following is not None
        assert abs(following - max(1, reference)) <= max(1, reference // 8)


def test_a_first_pair_of_orders_that_cannot_trade_makes_a_first_reference() -> None:
    bids = [Bid(order_id="b", units=2, price=100, rank=0)]
    asks = [Ask(order_id="s", units=2, price=60, rank=0)]

    first = clear(bids, asks, ClearingRules.suggested(None, sellers=1))
    reference = next_reference(None, first, bids, asks)
    second = clear(bids, asks, ClearingRules.suggested(reference, sellers=1))

    assert (first.units, reference) == (0, 80)
    assert (second.units, second.buy_price, second.sell_price) == (2, 80, 80)
    assert next_reference(None, first, bids, []) is None
