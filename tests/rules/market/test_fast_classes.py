"""Stacks of lanes on columns equal the pure ones to the last bit: ten thousand at random, degenerate ones, vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.classes import LaneClearing, LaneOrders, clear_classes
from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.fast import clear_fast
from proofgrid.rules.market.fast_classes import LaneColumns, clear_class_columns
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from tests.rules.market.test_classes_properties import stacks
from tests.rules.market.test_classes_vectors import VECTORS, lanes_of
from tests.rules.market.test_dara_properties import quick

STACKS = 10_000


def columns_of(lanes: Sequence[LaneOrders]) -> list[LaneColumns]:
    return [
        LaneColumns(bids=OrderColumns.of(lane.bids), asks=OrderColumns.of(lane.asks), rules=lane.rules)
        for lane in lanes
    ]


def clear_on_columns(lanes: Sequence[LaneOrders]) -> tuple[LaneClearing, ...]:
    """Return the stack's result on columns, with the ids put back."""
    ids = [ask.order_id for lane in lanes for ask in lane.asks]
    found = []
    for lane, done in zip(lanes, clear_class_columns(columns_of(lanes)), strict=True):
        sellers = [ids[number] for number in done.sellers.tolist()]
        clearing = done.cleared.with_ids([bid.order_id for bid in lane.bids], sellers)
        names = [ids[number] for number in done.still_in.tolist()]
        found.append(
            LaneClearing(clearing=clearing, sell_prices=dict(zip(names, done.sell_prices.tolist(), strict=True)))
        )
    return tuple(found)


def a_random_stack(random: Random) -> list[LaneOrders]:
    """Return one to four lanes of any kind: tied or spread, even or with whales, some of them empty."""
    units_max, price_max = random.choice([1, 3, 100, 10**6]), random.choice([0, 1, 4, 40, 10**9, 2**62])
    has_whales = random.random() < 0.3

    def units() -> int:
        return int(units_max * random.paretovariate(0.7)) if has_whales else random.randint(1, units_max)

    sizes = [random.choice([(0, 0), (6, 4), (20, 8), (0, 5), (5, 0), (9, 1)]) for _ in range(random.randint(1, 4))]
    counts = [(random.randint(0, bids), random.randint(0, asks)) for bids, asks in sizes]
    ranks = iter(random.sample(range(200), sum(asks for _, asks in counts)))
    lanes = []
    for number, (buyers, sellers) in enumerate(counts):
        reference = random.choice([None, price_max // 2, random.randint(0, price_max)])
        rules = ClearingRules.suggested(reference, sellers=random.choice([sellers, 4]))
        if random.random() < 0.2:
            rules = replace(rules, floor=random.choice([0, price_max]), ceil=random.choice([0, price_max, PRICE_MAX]))
        bids = [
            Bid(order_id=f"b{number}/{i}", units=units(), price=random.randint(0, price_max), rank=rank)
            for i, rank in enumerate(random.sample(range(buyers), buyers))
        ]
        asks = [
            Ask(order_id=f"s{number}/{i}", units=units(), price=random.randint(0, price_max), rank=next(ranks))
            for i in range(sellers)
        ]
        lanes.append(LaneOrders(bids=bids, asks=asks, rules=rules))
    if random.random() < 0.5:
        lanes = [
            replace(lane, rules=replace(lane.rules, floor=max(lane.rules.floor, below.rules.reference or 0)))
            for lane, below in zip(lanes, [*lanes[1:], lanes[-1]], strict=True)
        ]
    return lanes


def degenerate_stacks() -> Iterator[list[LaneOrders]]:
    """Yield the corners: nothing, empty lanes around a full one, one price for all, everything carried through."""
    open_rules = ClearingRules.suggested(None, sellers=4)
    empty = LaneOrders(bids=[], asks=[], rules=open_rules)
    bids = [Bid(order_id=f"b{i}", units=units, price=7, rank=i) for i, units in enumerate([5, 1, 9, 2])]
    asks = [Ask(order_id=f"s{i}", units=units, price=7, rank=i) for i, units in enumerate([4, 8, 3])]
    full = LaneOrders(bids=bids, asks=asks, rules=open_rules)
    buyers, sellers = replace(full, asks=[]), replace(full, bids=[])
    yield []
    yield from ([lane] for lane in (empty, full, buyers, sellers))
    yield [empty, full, empty]
    yield [sellers, empty, buyers]
    yield [sellers, buyers, buyers]
    yield [buyers, sellers]
    for reference in (0, 7, PRICE_MAX):
        rules = ClearingRules.suggested(reference, sellers=3)
        yield [replace(sellers, rules=rules), replace(buyers, rules=rules)]


@pytest.mark.exhaustive
def test_ten_thousand_random_stacks_clear_alike() -> None:
    random = Random(20_26)
    carried = cheaper = 0
    for _ in range(STACKS):
        lanes = a_random_stack(random)
        pure = clear_classes(lanes)
        assert clear_on_columns(lanes) == pure, lanes
        natives = [{ask.order_id for ask in lane.asks} for lane in lanes]
        sold = [dict(done.clearing.sold).keys() for done in pure]
        carried += any(ids - native for ids, native in zip(sold, natives, strict=True))
        cheaper += any(
            done.sell_prices[seller] < done.clearing.sell_price
            for done, ids in zip(pure, sold, strict=True)
            for seller in ids
        )
    assert carried > STACKS // 20
    assert cheaper > STACKS // 200


def test_random_stacks_clear_alike_through_the_fast_clearing_of_lists() -> None:
    random = Random(7)
    for _ in range(500):
        lanes = a_random_stack(random)
        assert clear_classes(lanes, clear_lane=clear_fast) == clear_classes(lanes), lanes


def test_degenerate_stacks_clear_alike() -> None:
    for lanes in degenerate_stacks():
        assert clear_on_columns(lanes) == clear_classes(lanes), lanes


@quick
@given(stacks())
def test_any_stack_clears_alike(lanes: list[LaneOrders]) -> None:
    assert clear_on_columns(lanes) == clear_classes(lanes)


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_the_vectors_clear_alike(vector: dict[str, Any]) -> None:
    assert clear_on_columns(lanes_of(vector)) == clear_classes(lanes_of(vector))


def test_sums_beyond_64_bits_are_exact() -> None:
    rules = ClearingRules.suggested(None, sellers=2)
    asks = [Ask(order_id=f"s{i}", units=10 * 2**26, price=5 * i, rank=i) for i in range(2)]
    bids = [Bid(order_id=f"b{i}", units=8 * 2**26, price=PRICE_MAX - 1 - i, rank=i) for i in range(2)]
    lanes = [LaneOrders(bids=[], asks=asks[:1], rules=rules), LaneOrders(bids=bids, asks=asks[1:], rules=rules)]

    assert clear_on_columns(lanes) == clear_classes(lanes)
    assert clear_classes(lanes)[1].clearing.surplus > 2**63


def test_a_rank_given_twice_is_refused_as_by_the_pure_stack() -> None:
    rules = ClearingRules.suggested(None, sellers=2)
    asks = [Ask(order_id=name, units=1, price=1, rank=3) for name in "ab"]
    lanes = [LaneOrders(bids=[], asks=[ask], rules=rules) for ask in asks]
    for rule in (clear_classes, lambda stack: clear_class_columns(columns_of(stack))):
        with pytest.raises(InvalidField) as caught:
            rule(lanes)
        assert caught.value.field == "lanes[1].asks"
