"""One DARA clearing: two clocks move towards each other until supply and demand fit (dara.md, section 1).

    price
      ceil |  ps   sellers above the clock leave, dearest first
           |   \\
           |    \\____  pb = ps (mostly)      no price depends on an order that still trades:
           |    /                            that is why bidding the truth is best for everybody
           |   /
     floor |  pb   buyers below the clock leave, cheapest first; who no longer fits the supply leaves too

Exact integers; every turn removes an order or is one of five stops, so the time is that of the sorting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

Units = tuple[str, int]  #: order id, units
Order = TypeVar("Order", Bid, Ask)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """Who trades how much at which price. All lists are in rank order."""

    buy_price: int  #: every winning buyer pays this per unit
    sell_price: int  #: every filled seller receives this per unit
    bought: tuple[Units, ...]
    sold: tuple[Units, ...]
    still_in: tuple[Units, ...]  #: sellers who did not leave, with their unsold units (0 when sold out)
    surplus: int  #: the treasury keeps this; it never goes back to who traded here
    slices: tuple[tuple[str, str, int], ...]  #: bid id, ask id, units: winners and sellers laid on one line

    @property
    def units(self) -> int:
        """All units traded."""
        return sum(units for _, units in self.bought)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where both clocks stand, and what is still in."""

    buy_price: int
    sell_price: int
    demand: int  #: units
    supply: int


def clear(bids: Iterable[Bid], asks: Iterable[Ask], rules: ClearingRules) -> Clearing:
    """Clear one lane. The result does not depend on the order in which the orders are given."""
    book = _Book(_checked(bids, side="bids"), _checked(asks, side="asks"), rules)
    book.squeeze_out()
    while not book.is_settled():
        book.move_a_clock()
        book.squeeze_out()
    return _outcome(book)


def turns(bids: Iterable[Bid], asks: Iterable[Ask], rules: ClearingRules) -> Iterator[Turn]:
    """Yield where the clocks of a clearing stand, from the first moment to the last, for those who want to see it."""
    book = _Book(_checked(bids, side="bids"), _checked(asks, side="asks"), rules)
    book.squeeze_out()
    yield book.turn
    while not book.is_settled():
        book.move_a_clock()
        book.squeeze_out()
        yield book.turn


class _Book:
    """The orders still in, and both clocks. Methods carry the step numbers of dara.md."""

    def __init__(self, bids: Sequence[Bid], asks: Sequence[Ask], rules: ClearingRules) -> None:
        """Step 1: admit orders."""
        sellers = [ask for ask in asks if ask.price <= rules.ceil]
        self.supply = sum(ask.units for ask in sellers)
        self.squares = sum(ask.units * ask.units for ask in sellers)

        # With the floor above the ceiling nothing can trade within both, so no buyer is admitted.
        largest = self.supply * rules.share[0] // rules.share[1] if rules.floor <= rules.ceil else 0
        buyers = [bid for bid in bids if bid.price >= rules.floor and bid.units <= largest]
        self.demand = sum(bid.units for bid in buyers)

        # Who leaves next stands at the end; on equal prices the worst rank leaves first.
        self.buyers = sorted(buyers, key=lambda bid: (-bid.price, bid.rank))
        self.sellers = sorted(sellers, key=lambda ask: (ask.price, ask.rank))
        self.by_units = sorted(buyers, key=lambda bid: bid.units)
        self.gone: set[str] = set()

        self.spare_at_start = self.supply - self.demand
        self.buy_price, self.sell_price = rules.floor, rules.ceil
        # The thin rule counts who offered, admitted or not (dara.md, section 7, point 7).
        self.window_low, self.window_high = rules.window(sellers=len(asks))

    @property
    def turn(self) -> Turn:
        return Turn(self.buy_price, self.sell_price, self.demand, self.supply)

    def squeeze_out(self) -> None:
        """Step 2: buyers larger than the whole supply leave; all or nothing can no longer be served."""
        while self.by_units and self.by_units[-1].units > self.supply:
            self._lose_buyer(self.by_units.pop())

    def is_settled(self) -> bool:
        """Step 3."""
        return self.demand == 0 or (self.buy_price >= self.sell_price and self.demand <= self.supply)

    def move_a_clock(self) -> None:
        """Step 4: choose a clock by public sizes and by prices at which somebody already left, nothing else."""
        spare = self.supply - self.demand
        if spare < 0:
            self._raise_buy_price(self.sell_price if self.buy_price < self.sell_price else None)
        elif spare * self.supply >= self.squares:
            self._lower_sell_price(self.buy_price)
        elif self.sell_price > max(self.window_high, self.buy_price):
            self._lower_sell_price(max(self.window_high, self.buy_price))
        elif self.buy_price < min(self.window_low, self.sell_price):
            self._raise_buy_price(min(self.window_low, self.sell_price))
        elif spare < self.spare_at_start:
            self._raise_buy_price(self.sell_price)
        else:
            self._lower_sell_price(self.buy_price)

    def _raise_buy_price(self, stop: int | None) -> None:
        """Step 5, buyers: up to `stop`, or until the lowest bid leaves."""
        while self.buyers[-1].order_id in self.gone:
            self.buyers.pop()
        lowest = self.buyers[-1]
        if stop is not None and lowest.price >= stop:
            self.buy_price = stop
            return
        self.buy_price = lowest.price
        self._lose_buyer(self.buyers.pop())

    def _lower_sell_price(self, stop: int) -> None:
        """Step 5, sellers: down to `stop`, or until the highest ask leaves."""
        highest = self.sellers[-1]
        if highest.price <= stop:
            self.sell_price = stop
            return
        self.sell_price = highest.price
        self.sellers.pop()
        self.supply -= highest.units
        self.squares -= highest.units * highest.units

    def _lose_buyer(self, bid: Bid) -> None:
        if bid.order_id not in self.gone:
            self.gone.add(bid.order_id)
            self.demand -= bid.units


def _outcome(book: _Book) -> Clearing:
    """Step 6: fill the sellers by rank, never by price: who asks less must not sell more."""
    winners = sorted((bid for bid in book.buyers if bid.order_id not in book.gone), key=lambda bid: bid.rank)
    left = book.demand
    sold: list[Units] = []
    still_in: list[Units] = []
    for ask in sorted(book.sellers, key=lambda ask: ask.rank):
        units = min(ask.units, left)
        left -= units
        if units:
            sold.append((ask.order_id, units))
        still_in.append((ask.order_id, ask.units - units))

    bought = [(bid.order_id, bid.units) for bid in winners]
    return Clearing(
        buy_price=book.buy_price,
        sell_price=book.sell_price,
        bought=tuple(bought),
        sold=tuple(sold),
        still_in=tuple(still_in),
        surplus=(book.buy_price - book.sell_price) * book.demand if bought else 0,
        slices=_slices(bought, sold),
    )


def _slices(bought: Sequence[Units], sold: Sequence[Units]) -> tuple[tuple[str, str, int], ...]:
    """Step 7: lay both sides on one line; each overlap is one slice."""
    slices: list[tuple[str, str, int]] = []
    sellers = iter(sold)
    seller, stretch = "", 0
    for buyer, needed in bought:
        while needed:
            if not stretch:
                seller, stretch = next(sellers)
            units = min(needed, stretch)
            slices.append((buyer, seller, units))
            needed -= units
            stretch -= units
    return tuple(slices)


def _checked(orders: Iterable[Order], *, side: str) -> list[Order]:
    found = list(orders)
    if len({order.order_id for order in found}) != len(found):
        raise InvalidField("every order of a side has its own order id", field=side)
    if len({order.rank for order in found}) != len(found):
        raise InvalidField("every order of a side has its own rank", field=side)
    return found
