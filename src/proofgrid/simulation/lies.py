"""Lies in one round: the same sealed book once with the truth and once with one liar, cleared by the same rules.

What a lie earns beyond the truth is exact here, because nothing but the lie differs. The rules promise that a lie
about a price never pays; about capacity, about who one is, and together with others, it can (dara.md, section 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.fast_classes import LaneColumns, clear_class_columns
from proofgrid.rules.market.fast_stack import ClearedRound, SlotLane, run_stack_columns
from proofgrid.rules.market.orders import price_limits
from proofgrid.rules.scheduling.placement_columns import UNSOLD
from proofgrid.simulation import griefing, windows
from proofgrid.simulation.books import Book
from proofgrid.simulation.chance import generator

if TYPE_CHECKING:
    from proofgrid.simulation.world import Cleared, World

SELLERS_FOR_THE_PROMISE = 4  #: from so many on, no bid may cover more than half of the supply
MOST_STAY = "a bid covers at most half of the supply, more than half of which stays in without her"
MOST_LEAVE = "the same, where half of the supply or more asks too much and leaves anyway"
NO_LIMIT = "a bid may cover the whole supply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who lies: her place in the asks of her native lane."""

    lane: int
    place: int


Lanes = list[SlotLane]
SellerLie = Callable[[Lanes, Seller, np.random.Generator], Lanes]


def shade(lanes: Lanes, who: Seller, _chance: np.random.Generator) -> Lanes:
    """Ask a quarter more than a unit costs."""
    return _with_ask(lanes, who, price=(5, 4))


def under_ask(lanes: Lanes, who: Seller, _chance: np.random.Generator) -> Lanes:
    """Ask a quarter less."""
    return _with_ask(lanes, who, price=(3, 4))


def withhold(lanes: Lanes, who: Seller, _chance: np.random.Generator) -> Lanes:
    """Offer half of what is free."""
    return _with_ask(lanes, who, units=(1, 2))


def over_report(lanes: Lanes, who: Seller, _chance: np.random.Generator) -> Lanes:
    """Offer twice what is free; what she cannot do counts nothing here, neither as sold nor as failed."""
    return _with_ask(lanes, who, units=(2, 1))


def split(lanes: Lanes, who: Seller, chance: np.random.Generator) -> Lanes:
    """Offer half at cost and half, under another name, at half as much again."""
    whole = lanes[who.lane].asks
    half, price = int(whole.units[who.place]) // 2, int(whole.price[who.place])
    if not half:
        return lanes
    lanes = _with_ask(lanes, who, units=(1, 2))
    return _with_second(lanes, who, units=int(whole.units[who.place]) - half, price=price * 3 // 2, chance=chance)


def add_a_decoy(lanes: Lanes, who: Seller, chance: np.random.Generator) -> Lanes:
    """Add a second order of one slot at the highest price that is admitted."""
    _, ceil = price_limits(lanes[who.lane].reference)
    return _with_second(lanes, who, units=1, price=min(ceil, PRICE_MAX - 1), chance=chance)


SELLER_LIES: dict[str, SellerLie] = {
    "shading": shade,
    "under-asking": under_ask,
    "withholding": withhold,
    "over-reporting": over_report,
    "splitting": split,
    "decoy ask": add_a_decoy,
}
BUYER_LIES: dict[str, int] = {"bid 15% less": 850, "bid 15% more": 1_150}
COLLUSION = "colluding pair"
PRICE_LIES = ("shading", "under-asking", *BUYER_LIES)  #: of these the rules promise that they never pay


@dataclass(slots=True)
class Tally:
    """What one lie earned, case by case, in base units."""

    truthful: list[int] = field(default_factory=list)
    lying: list[int] = field(default_factory=list)

    def add(self, truthful: int, lying: int) -> None:
        self.truthful.append(truthful)
        self.lying.append(lying)


@dataclass(slots=True)
class GriefTally:
    """What the griefing attack did to rounds that trade without it."""

    rounds: int = 0
    stopped: int = 0  #: nothing traded at all, so she paid nothing
    bought_out: int = 0  #: only she traded, and paid for it
    paid: int = 0  #: by the attacker, in all of these rounds
    others: int = 0  #: what the others would have gained in them without her
    lost: int = 0  #: ... in those that she stopped


@dataclass(slots=True)
class Lies:
    """A watch for `World`: tries every lie on its sealed books."""

    seed: int
    every: int = 1
    tallies: dict[str, Tally] = field(default_factory=dict)
    griefing_by_rule: dict[str, GriefTally] = field(default_factory=dict)

    def __call__(self, world: World, book: Book, cleared: Cleared) -> None:
        if book.number % self.every:
            return
        chance = generator(self.seed, f"lies/{book.number}")
        self._sellers(world, book, cleared, chance)
        self._buyers(world, book, cleared, chance)
        self._griefers(world, book, cleared)

    def _sellers(self, world: World, book: Book, cleared: Cleared, chance: np.random.Generator) -> None:
        costs = world.real_cost[world.provers.machine[book.provers]]
        number = int(chance.integers(len(costs)))
        who = _seller(book.lanes, number)
        have, cost = int(book.lanes[who.lane].asks.units[who.place]), int(costs[number])
        honest = _gain(list(book.lanes), cleared, [number], cost, have)
        for name, lie in SELLER_LIES.items():
            lanes = lie(list(book.lanes), who, chance)
            numbers = [number]
            if len(lanes[who.lane].asks) > len(book.lanes[who.lane].asks):
                numbers.append(number - who.place + len(book.lanes[who.lane].asks))
            self._tally(name).add(honest, _gain(lanes, _cleared(book, lanes), numbers, cost, have))

        friends = [other for other in range(len(costs)) if _seller(book.lanes, other).lane == who.lane]
        other = int(chance.choice(friends))
        if other != number:
            friend = _seller(book.lanes, other)
            theirs = int(book.lanes[friend.lane].asks.units[friend.place])
            told = _cleared(book, _with_ask(list(book.lanes), friend, price=(3, 2)))
            lanes = list(book.lanes)
            both = [
                _gain(lanes, result, [number], cost, have) + _gain(lanes, result, [other], int(costs[other]), theirs)
                for result in (cleared, told)
            ]
            self._tally(COLLUSION).add(*both)

    def _buyers(self, world: World, book: Book, cleared: Cleared, chance: np.random.Generator) -> None:
        lane = int(chance.choice([lane for lane, jobs in enumerate(book.jobs) if len(jobs)]))
        place = int(chance.integers(len(book.jobs[lane])))
        value = int(world.jobs.value[book.jobs[lane][place]])
        truthful = _bought(book.lanes[lane], cleared[lane], place, value)
        for name, permille in BUYER_LIES.items():
            price = book.lanes[lane].bids.price.copy()
            price[place] = price[place] * permille // 1_000
            lanes = list(book.lanes)
            lanes[lane] = replace(lanes[lane], bids=replace(lanes[lane].bids, price=price))
            self._tally(name).add(truthful, _bought(lanes[lane], _cleared(book, lanes)[lane], place, value))

    def _griefers(self, world: World, book: Book, cleared: Cleared) -> None:
        for number, done in enumerate(cleared):
            lane = LaneColumns(bids=book.lanes[number].bids, asks=done.asks, rules=done.rules)
            admitted = int((done.asks.price <= lane.rules.ceil).sum())
            if admitted < SELLERS_FOR_THE_PROMISE or not len(done.cleared.bought):
                continue
            gains = windows.gained(world, book, number, done)
            longest = int(book.lanes[number].job_units.max())
            stay = int((done.cleared.sold_units + done.cleared.unsold_units).sum())
            supply = int(done.asks.units[done.asks.price <= lane.rules.ceil].sum())
            for rule, share in ((MOST_STAY if 2 * stay > supply else MOST_LEAVE, None), (NO_LIMIT, (1, 1))):
                (attacked,) = clear_class_columns([griefing.attack(lane, share=share)])
                hers = attacked.cleared.bought == len(lane.bids)
                tally = self.griefing_by_rule.setdefault(rule, GriefTally())
                tally.rounds += 1
                tally.stopped += not len(hers)
                tally.bought_out += len(hers) > 0 and bool(hers.all())
                tally.paid += attacked.cleared.buy_price * longest * int(attacked.cleared.bought_units[hers].sum())
                tally.others += gains
                tally.lost += 0 if len(hers) else gains

    def _tally(self, name: str) -> Tally:
        return self.tallies.setdefault(name, Tally())


def _seller(lanes: Sequence[SlotLane], number: int) -> Seller:
    for lane, columns in enumerate(lanes):
        if number < len(columns.asks):
            return Seller(lane=lane, place=number)
        number -= len(columns.asks)
    raise IndexError(number)


def _cleared(book: Book, lanes: Lanes) -> tuple[ClearedRound, ...]:
    """Hold the round of a changed book; whoever was added comes to her lane last."""
    turns, first = [], 0
    for before, lane in zip(book.lanes, lanes, strict=True):
        natives = book.lots.turns[first : first + len(before.asks)]
        first += len(before.asks)
        turns.append(np.pad(natives, (0, len(lane.asks) - len(natives)), constant_values=len(book.lots.turns)))
    return run_stack_columns(lanes, lots=replace(book.lots, turns=np.concatenate(turns)))


def _gain(lanes: Lanes, cleared: Sequence[ClearedRound], numbers: Sequence[int], cost: int, have: int) -> int:
    """Return what a seller's orders earn beyond their cost, for no more slots than she has."""
    earned = 0
    for lane, done in zip(lanes, cleared, strict=True):
        for entry in np.flatnonzero(np.isin(done.still_in, numbers)).tolist():
            units = lane.job_units[done.cleared.bought[done.places == entry]][:have]
            have -= len(units)
            earned += int(units.sum()) * (int(done.sell_prices[entry]) - cost)
    return earned


def _bought(lane: SlotLane, done: ClearedRound, place: int, value: int) -> int:
    is_placed = (done.cleared.bought == place) & (done.places != UNSOLD)
    return int(is_placed.any()) * int(lane.job_units[place]) * (value - done.cleared.buy_price)


def _with_ask(lanes: Lanes, who: Seller, *, price: tuple[int, int] = (1, 1), units: tuple[int, int] = (1, 1)) -> Lanes:
    asks = lanes[who.lane].asks
    prices, sizes = asks.price.copy(), asks.units.copy()
    prices[who.place] = prices[who.place] * price[0] // price[1]
    sizes[who.place] = max(1, sizes[who.place] * units[0] // units[1])
    lanes[who.lane] = replace(lanes[who.lane], asks=OrderColumns(units=sizes, price=prices, rank=asks.rank))
    return lanes


def _with_second(lanes: Lanes, who: Seller, *, units: int, price: int, chance: np.random.Generator) -> Lanes:
    """Add an order at the end of her lane, with a lot of its own among all ranks."""
    highest = max(int(lane.asks.rank.max(initial=0)) for lane in lanes)
    lot = 2 * int(chance.integers(highest + 1)) + 1
    lanes = [replace(lane, asks=replace(lane.asks, rank=lane.asks.rank * 2)) for lane in lanes]
    asks = lanes[who.lane].asks
    more = OrderColumns(
        units=np.append(asks.units, units), price=np.append(asks.price, price), rank=np.append(asks.rank, lot)
    )
    lanes[who.lane] = replace(lanes[who.lane], asks=more)
    return lanes
