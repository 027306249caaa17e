"""`dara.clear` for books of a million orders: the same clearing to the last bit, without visiting every order.

Until a clock stops, the pure clearing only removes orders one by one, and whether a seller or a buyer is next depends
on one comparison. With K supply, Q sum of squares, D demand of who is still in, letters as in dara.md, step 4:

    a seller leaves  <=>  D <= bound(K, Q)        b, d:  (K - D) * K >= Q  <=>  D <= K - ceil(Q / K)
    a buyer leaves   <=>  D > bound(K, Q)         a, c:  D <= K            e, f:  D <= K - max(spare0, 0)

Each bound grows with the number of sellers, so the state after any number of exits can be looked up in running sums,
and the first exit that a stop or a squeeze forbids is found by halving. Turns of the loop: one per stop, of which
there are five, and a few per squeeze, each of which halves the demand, so O(log supply). The rest is sorting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.columns import ClearedColumns, Column, OrderColumns, column_of
from proofgrid.rules.market.dara import Clearing, clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

INT64_MAX = 2**63 - 1
SUM_MAX = 2.0**62


def clear_fast(bids: Iterable[Bid], asks: Iterable[Ask], rules: ClearingRules) -> Clearing:
    """Return what `dara.clear` returns; worth it from a few thousand orders on."""
    bids, asks = list(bids), list(asks)
    bid_ids, ask_ids = [bid.order_id for bid in bids], [ask.order_id for ask in asks]
    for ids, side in ((bid_ids, "bids"), (ask_ids, "asks")):
        if len(set(ids)) != len(ids):
            raise InvalidField("every order of a side has its own order id", field=side)
    try:
        columns = OrderColumns.of(bids), OrderColumns.of(asks)
    except OverflowError:
        return clear(bids, asks, rules)
    return clear_columns(*columns, rules).with_ids(bid_ids, ask_ids)


def clear_columns(bids: OrderColumns, asks: OrderColumns, rules: ClearingRules) -> ClearedColumns:
    """Clear one lane. Sums that could pass 64 bits are left to the pure clearing, whose numbers have no end."""
    if not _sums_fit(bids, asks):
        return ClearedColumns.of(clear(bids.as_bids(), asks.as_asks(), rules))

    book = _Book(bids, asks, rules)
    book.squeeze_out()
    while not book.is_settled():
        book.move_a_clock()
        book.squeeze_out()
    return _outcome(book, bids, asks)


def _sums_fit(bids: OrderColumns, asks: OrderColumns) -> bool:
    """Return whether no sum of units, and no sum of squares of the sellers' units, can pass 64 bits."""
    # Floats never decide who trades: they only say which arithmetic is wide enough, with a factor two to spare.
    demand = bids.units.sum(dtype=np.float64)
    squares = np.square(asks.units, dtype=np.float64).sum()
    return bool(max(demand, squares) < SUM_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """A part of the clocks' way on which one bound decides who leaves. Once left it never comes back."""

    margin: int  #: sellers leave while the supply passes the demand by this, or while rule b holds
    low: int  #: the sellers' clock stops here or at the buyers' clock, whichever is higher
    high: int  #: the buyers' clock stops here or at the sellers' clock, whichever is lower


class _Book:
    """The orders still in, both clocks, and running sums. Methods carry the step numbers of dara.md.

    Orders lie best first and the worst leave first, so who is still in are the first `buyers` and `sellers` of them.
    """

    def __init__(self, bids: OrderColumns, asks: OrderColumns, rules: ClearingRules) -> None:
        """Step 1: admit orders."""
        self.bids_by_rank, self.asks_by_rank = _by_rank(bids, side="bids"), _by_rank(asks, side="asks")
        self.window_low, self.window_high = self._admit_sellers(asks, rules)
        self._admit_buyers(bids, rules)
        self.spare_at_start = self.supply - self.demand
        self.buy_price, self.sell_price = rules.floor, rules.ceil

    def _admit_sellers(self, asks: OrderColumns, rules: ClearingRules) -> tuple[int, int]:
        admitted = self.asks_by_rank[asks.price[self.asks_by_rank] <= rules.ceil]
        self.ask_places = admitted[np.argsort(asks.price[admitted], kind="stable")]
        self.ask_price = asks.price[self.ask_places]
        units = asks.units[self.ask_places]
        self.supply_of = _running_sums(units)
        # Rule b without products: the supply less the capacity-weighted mean seller, rounded up.
        self.typical_bound = self.supply_of.copy()
        self.typical_bound[1:] += -_running_sums(units * units)[1:] // self.supply_of[1:]
        self.sellers = len(admitted)
        return rules.window(sellers=len(asks))

    def _admit_buyers(self, bids: OrderColumns, rules: ClearingRules) -> None:
        # With the floor above the ceiling nothing can trade within both, so no buyer is admitted.
        largest = self.supply * rules.share[0] // rules.share[1] if rules.floor <= rules.ceil else 0
        is_admitted = (bids.price >= rules.floor) & (bids.units <= largest)
        admitted = self.bids_by_rank[is_admitted[self.bids_by_rank]]
        best_first = admitted[np.argsort(-bids.price[admitted], kind="stable")]
        self._line_up_buyers(best_first, bids.price[best_first], bids.units[best_first])

    def _line_up_buyers(self, places: Column, price: Column, units: Column) -> None:
        self.bid_places, self.bid_price, self.bid_units = places, price, units
        self.demand_of = _running_sums(units)
        self.largest_of = np.concatenate((column_of([0]), np.maximum.accumulate(units)))
        self.buyers = len(places)

    @property
    def demand(self) -> int:
        return int(self.demand_of[self.buyers])

    @property
    def supply(self) -> int:
        return int(self.supply_of[self.sellers])

    def squeeze_out(self) -> None:
        """Step 2."""
        if self.largest_of[self.buyers] > self.supply:
            fits = np.flatnonzero(self.bid_units[: self.buyers] <= self.supply)
            self._line_up_buyers(self.bid_places[fits], self.bid_price[fits], self.bid_units[fits])

    def is_settled(self) -> bool:
        """Step 3."""
        return self.demand == 0 or (self.buy_price >= self.sell_price and self.demand <= self.supply)

    def move_a_clock(self) -> None:
        """Step 4, rule by rule; each removes at once whom it would remove in a row."""
        spare = self.supply - self.demand
        if spare < 0:
            self._raise_buy_price(self.sell_price if self.buy_price < self.sell_price else None, margin=0)
        elif self.demand <= self.typical_bound[self.sellers]:
            self._lower_sell_price(self.buy_price)
        elif self.sell_price > max(self.window_high, self.buy_price):
            self._lower_sell_price(max(self.window_high, self.buy_price))
        elif self.buy_price < min(self.window_low, self.sell_price):
            self._raise_buy_price(min(self.window_low, self.sell_price), margin=INT64_MAX)
        elif spare < self.spare_at_start:
            self._raise_buy_price(self.sell_price, margin=self.spare_at_start)
        else:
            self._lower_sell_price(self.buy_price)

    def _raise_buy_price(self, stop: int | None, *, margin: int) -> None:
        """Step 5, buyers: until the demand is within the bound, or up to `stop`."""
        within = self._buyers_within(self._bound(self.sellers, margin))
        beyond_stop = 0 if stop is None else self._buyers_from(stop)
        staying = max(within, beyond_stop)
        if staying < self.buyers:
            self.buy_price = int(self.bid_price[staying])
            self.buyers = staying
        elif stop is not None:
            self.buy_price = stop

    def _lower_sell_price(self, stop: int) -> None:
        """Step 5, sellers, and the buyers in between: down to `stop`, or until the two clocks' way takes a turn."""
        if self._run_ahead(self._stretch()):
            return
        highest = int(self.ask_price[self.sellers - 1])
        if highest <= stop:
            self.sell_price = stop
            return
        self.sell_price = highest
        self.sellers -= 1

    def _stretch(self) -> _Stretch:
        if self.sell_price > max(self.window_high, self.buy_price):
            return _Stretch(margin=0, low=self.window_high, high=PRICE_MAX)
        if self.buy_price < min(self.window_low, self.sell_price):
            return _Stretch(margin=INT64_MAX, low=0, high=self.window_low)
        return _Stretch(margin=max(self.spare_at_start, 0), low=0, high=PRICE_MAX)

    def _run_ahead(self, stretch: _Stretch) -> bool:
        """Go to the last moment before a stop or a squeeze at which a seller is next; return whether that is ahead."""
        roomy = int(np.searchsorted(self.supply_of, self.largest_of[self.buyers]))  # with fewer, somebody is squeezed
        steps = range(roomy, self.sellers)
        sellers = roomy + bisect_left(steps, True, key=lambda left: self._can_reach(left, stretch))
        if sellers == self.sellers:
            return False
        self.buyers, self.buy_price = self._buyers_at(sellers, stretch)
        self.sellers, self.sell_price = sellers, int(self.ask_price[sellers])
        return True

    def _can_reach(self, sellers: int, stretch: _Stretch) -> bool:
        """Return whether the last seller to leave, and the buyers after it, leave before a clock stops.

        The clocks close in on each other, so if these can leave, those before them can.
        """
        ask = int(self.ask_price[sellers])
        buyers_before, price_before = self._buyers_at(sellers + 1, stretch)
        _, price_after = self._buyers_at(sellers, stretch)
        return buyers_before > 0 and ask > max(stretch.low, price_before) and price_after < min(stretch.high, ask)

    def _buyers_at(self, sellers: int, stretch: _Stretch) -> tuple[int, int]:
        """Return how many buyers are still in, and their clock, when so many sellers are and one of them is next."""
        buyers = self._buyers_within(self._bound(sellers, stretch.margin))
        return (buyers, int(self.bid_price[buyers])) if buyers < self.buyers else (self.buyers, self.buy_price)

    def _bound(self, sellers: int, margin: int) -> int:
        return max(int(self.typical_bound[sellers]), int(self.supply_of[sellers]) - margin)

    def _buyers_within(self, demand: int) -> int:
        return int(np.searchsorted(self.demand_of, demand, side="right")) - 1

    def _buyers_from(self, price: int) -> int:
        return len(self.bid_price) - int(np.searchsorted(self.bid_price[::-1], price, side="left"))


def _outcome(book: _Book, bids: OrderColumns, asks: OrderColumns) -> ClearedColumns:
    """Steps 6 and 7."""
    demand = book.demand
    bought = _only(book.bid_places[: book.buyers], book.bids_by_rank)
    still_in = _only(book.ask_places[: book.sellers], book.asks_by_rank)
    bought_units, capacity = bids.units[bought], asks.units[still_in]
    sold_until = np.minimum(np.cumsum(capacity), demand)
    sold_units = np.diff(sold_until, prepend=0)

    # Both sides lie on one line; between two neighbouring ends lies one slice.
    bought_until = np.cumsum(bought_units)
    ends = _merged(bought_until, sold_until[sold_units > 0])
    return ClearedColumns(
        buy_price=book.buy_price,
        sell_price=book.sell_price,
        surplus=(book.buy_price - book.sell_price) * demand if demand else 0,
        bought=bought,
        bought_units=bought_units,
        still_in=still_in,
        sold_units=sold_units,
        unsold_units=capacity - sold_units,
        slice_buyers=np.searchsorted(bought_until, ends),
        slice_sellers=np.searchsorted(sold_until, ends),
        slice_units=np.diff(ends, prepend=0),
    )


def _running_sums(units: Column) -> Column:
    """Return the sums of the first 0, 1, 2, ... values."""
    sums = np.zeros(len(units) + 1, dtype=np.int64)
    np.cumsum(units, out=sums[1:])
    return sums


def _by_rank(orders: OrderColumns, *, side: str) -> Column:
    by_rank = np.argsort(orders.rank)
    ranks = orders.rank[by_rank]
    if (ranks[1:] == ranks[:-1]).any():
        raise InvalidField("every order of a side has its own rank", field=side)
    return by_rank


def _only(places: Column, by_rank: Column) -> Column:
    """Return the places in rank order, without sorting again."""
    is_in = np.zeros(len(by_rank), dtype=np.bool_)
    is_in[places] = True
    return by_rank[is_in[by_rank]]


def _merged(ends: Column, other_ends: Column) -> Column:
    """Return the values of two rising columns, each once; the stable sort merges what is already in order."""
    merged = np.sort(np.concatenate((ends, other_ends)), kind="stable")
    return merged[np.diff(merged, prepend=0) > 0]
