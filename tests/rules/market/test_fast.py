"""The fast clearing equals the pure one to the last bit, whatever the book; and does not visit every order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market import fast
from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.fast import clear_columns, clear_fast
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from tests.rules.market.test_dara_properties import Market, markets, quick
from tests.rules.market.test_dara_vectors import VECTORS, asks_of, bids_of, rules_of

BOOKS = 10_000
HUGE = 2**70


def a_random_book(random: Random) -> Market:
    """Return a book of any kind: tiny or small, tied or spread, even or with whales, open or bounded."""
    units_max, price_max = random.choice([1, 3, 10, 100, 10**6]), random.choice([0, 1, 4, 40, 10**9, 2**62])
    buyers_max, sellers_max = random.choice([(6, 4), (20, 8), (60, 40), (60, 40), (0, 5), (5, 0), (30, 1)])
    buyers, sellers = random.randint(0, buyers_max), random.randint(0, sellers_max)
    has_whales = random.random() < 0.3

    def units() -> int:
        return int(units_max * random.paretovariate(0.7)) if has_whales else random.randint(1, units_max)

    return Market(
        bids=[
            Bid(order_id=f"b{i}", units=units(), price=random.randint(0, price_max), rank=rank)
            for i, rank in enumerate(random.sample(range(2 * buyers), buyers))
        ],
        asks=[
            Ask(
                order_id=f"s{i}",
                units=units() * random.choice([1, 1, 4]),
                price=random.randint(0, price_max),
                rank=rank,
            )
            for i, rank in enumerate(random.sample(range(2 * sellers), sellers))
        ],
        rules=ClearingRules(
            floor=random.choice([0, 0, 0, price_max // 4, price_max]),
            ceil=random.choice([PRICE_MAX, PRICE_MAX, price_max, price_max // 2, 0]),
            reference=random.choice([None, 0, price_max // 2, random.randint(0, price_max)]),
            window_low=random.choice([(4, 5), (1, 2), (1, 1)]),
            window_high=random.choice([(5, 4), (1, 1), (2, 1)]),
            share=random.choice([(1, 1), (1, 2), (1, 4)]),
        ),
    )


def degenerate_books() -> Iterator[Market]:
    """Yield the corners by name: empty sides, lone traders, one price for all, limits that forbid everything."""
    bids = [Bid(order_id=f"b{i}", units=units, price=7, rank=i) for i, units in enumerate([5, 1, 9, 2, 2])]
    asks = [Ask(order_id=f"s{i}", units=units, price=7, rank=i) for i, units in enumerate([4, 8, 3, 6])]
    rules = ClearingRules.suggested(None, sellers=4)
    zero, top = ClearingRules.suggested(0, sellers=4), ClearingRules.suggested(PRICE_MAX, sellers=4)
    for chosen in (rules, zero, top, replace(rules, floor=8), replace(rules, ceil=6), replace(rules, floor=9, ceil=3)):
        for some_bids in ([], bids[:1], bids):
            for some_asks in ([], asks[:1], asks[:2], asks):
                yield Market(bids=some_bids, asks=some_asks, rules=chosen)
    free = [replace(bid, price=0) for bid in bids], [replace(ask, price=0) for ask in asks]
    dear = [replace(bid, price=PRICE_MAX - 1) for bid in bids], [replace(ask, price=PRICE_MAX - 1) for ask in asks]
    for some_bids, some_asks in (free, dear, (dear[0], free[1]), (free[0], dear[1])):
        for chosen in (rules, zero, top):
            yield Market(bids=some_bids, asks=some_asks, rules=chosen)


def assert_equal_clearings(market: Market) -> None:
    assert clear_fast(market.bids, market.asks, market.rules) == market.clear(), market


@pytest.mark.exhaustive
def test_ten_thousand_random_books_clear_alike() -> None:
    random = Random(17_50)
    trades = unequal_prices = 0
    for _ in range(BOOKS):
        market = a_random_book(random)
        clearing = market.clear()
        assert clear_fast(market.bids, market.asks, market.rules) == clearing, market
        trades += bool(clearing.bought)
        unequal_prices += clearing.surplus > 0
    assert trades > BOOKS // 4
    assert unequal_prices > BOOKS // 100


def test_degenerate_books_clear_alike() -> None:
    for market in degenerate_books():
        assert_equal_clearings(market)


@quick
@given(markets())
def test_any_book_clears_alike(market: Market) -> None:
    assert_equal_clearings(market)


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_the_vectors_clear_alike(vector: dict[str, object]) -> None:
    assert_equal_clearings(Market(bids=bids_of(vector), asks=asks_of(vector), rules=rules_of(vector)))


UNITS: dict[str, Callable[[Random], int]] = {
    "even": lambda random: random.randint(1, 100),
    "growing": lambda random: 2 ** random.randint(0, 22),
    "whales": lambda random: min(int(random.paretovariate(0.5)), 10**7),
}


def a_price(random: Random) -> int:
    return random.randint(500, 1500)


@pytest.mark.parametrize("shape", UNITS)
def test_a_big_book_clears_alike_in_as_few_turns_as_a_small_one(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn costs a few searches, so this is what keeps the time close to that of sorting."""
    turns = 0
    move = fast._Book.move_a_clock

    def counted(book: fast._Book) -> None:
        nonlocal turns
        turns += 1
        move(book)

    monkeypatch.setattr(fast._Book, "move_a_clock", counted)
    for size in (200, 20_000):
        turns, random = 0, Random(size)
        bids = [Bid(order_id=f"b{i}", units=UNITS[shape](random), price=a_price(random), rank=i) for i in range(size)]
        asks = [Ask(order_id=f"s{i}", units=UNITS[shape](random), price=a_price(random), rank=i) for i in range(size)]
        market = Market(bids=bids, asks=asks, rules=ClearingRules.suggested(1000, sellers=size))
        assert_equal_clearings(market)
        assert len(bids) - len(market.clear().bought) > size // 10
        assert 0 < turns < 30


@pytest.mark.parametrize(
    ("bid_units", "ask_units", "rank"),
    [
        (HUGE, HUGE, 0),  # units that no column holds
        (2**62, 2**62, 0),  # each fits, their sum does not
        (2**31, 2**32, 0),  # sums fit, squares do not
        (5, 9, HUGE),  # a rank that no column holds
    ],
)
def test_numbers_beyond_64_bits_clear_alike(bid_units: int, ask_units: int, rank: int) -> None:
    market = Market(
        bids=[Bid(order_id=f"b{i}", units=bid_units + i, price=90 - i, rank=rank + i) for i in range(5)],
        asks=[Ask(order_id=f"s{i}", units=ask_units + i, price=50 + i, rank=rank + i) for i in range(6)],
        rules=ClearingRules.suggested(70, sellers=6),
    )
    assert market.clear().units > 0
    assert_equal_clearings(market)


def test_a_product_of_price_and_units_beyond_64_bits_is_exact() -> None:
    bids = [Bid(order_id=f"b{i}", units=8 * 2**26, price=PRICE_MAX - 1 - i, rank=i) for i in range(2)]
    asks = [Ask(order_id=f"s{i}", units=10 * 2**26, price=5 * i, rank=i) for i in range(2)]
    rules = ClearingRules.suggested(None, sellers=2)

    cleared = clear_columns(OrderColumns.of(bids), OrderColumns.of(asks), rules)

    assert fast._sums_fit(OrderColumns.of(bids), OrderColumns.of(asks))
    assert cleared.surplus == clear(bids, asks, rules).surplus == (PRICE_MAX - 2 - 5) * 8 * 2**26


def test_columns_clear_without_ids_to_places() -> None:
    bids = OrderColumns(units=np.array([4, 6]), price=np.array([30, 40]), rank=np.array([7, 3]))
    asks = OrderColumns(units=np.array([8, 9, 9]), price=np.array([10, 12, 45]), rank=np.array([2, 1, 0]))

    cleared = clear_columns(bids, asks, ClearingRules.suggested(20, sellers=3))
    pure = clear(bids.as_bids(), asks.as_asks(), ClearingRules.suggested(20, sellers=3))

    assert cleared.bought.tolist() == [1, 0]
    assert cleared.still_in.tolist() == [1, 0]
    assert cleared.sold_units.tolist() == [9, 1]
    assert cleared.with_ids(["0", "1"], ["0", "1", "2"]) == pure


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("units", np.array([1, 0])),
        ("price", np.array([1, -1])),
        ("price", np.array([1, PRICE_MAX])),
        ("price", np.array([1.0, 2.0])),
        ("rank", np.array([-1, 0])),
        ("rank", np.array([0])),
        ("units", [1, 2]),
    ],
)
def test_a_bad_column_is_refused_with_its_name(column: str, values: object) -> None:
    good: dict[str, object] = {"units": np.array([1, 2]), "price": np.array([1, 2]), "rank": np.array([0, 1])}

    with pytest.raises(InvalidField) as caught:
        OrderColumns(**{**good, column: values})  # type: ignore[arg-type]

    assert caught.value.field == column


@pytest.mark.parametrize("twice", ["order_id", "rank"])
def test_what_the_pure_clearing_refuses_is_refused_alike(twice: str) -> None:
    asks = [Ask(order_id="s", units=1, price=1, rank=0), Ask(order_id="t", units=1, price=1, rank=1)]
    asks[1] = replace(asks[1], **{twice: getattr(asks[0], twice)})
    messages = []
    for rule in (clear, clear_fast):
        with pytest.raises(InvalidField) as caught:
            rule([], asks, ClearingRules.suggested(None, sellers=2))
        messages.append((caught.value.field, caught.value.detail))
    assert messages[0] == messages[1]
    assert messages[0][0] == "asks"
