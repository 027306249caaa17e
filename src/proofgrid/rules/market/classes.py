"""Nested lanes: capacity that a demanding class leaves unsold serves the lighter classes below (dara.md, section 1).

    large    [ natives of large ]                              clears first
                 | still in: unsold units, same ask
    medium   [ natives of medium + carried ]                   who left a lane is out of all later ones
                 | still in: unsold units, same ask
    small    [ natives of small + carried ]                    a seller is paid the least price of its lanes

Sizes and ranks alone decide what is carried, never an ask; and a seller's price only falls on its way down. So what
makes the truth the best report in one lane (a trader does not move its own price) holds for the whole stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.dara import Clearing, Units, clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

ClearLane = Callable[[Sequence[Bid], Sequence[Ask], ClearingRules], Clearing]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneOrders:
    """The orders that are native to one lane. A seller is native to one lane per round."""

    bids: Sequence[Bid]
    asks: Sequence[Ask]
    rules: ClearingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneClearing:
    """How one lane cleared, carried sellers included."""

    clearing: Clearing  #: its sell_price is where the sellers' clock stopped; its surplus counts what is really paid
    sell_prices: Mapping[str, int]  #: ask id -> what it receives per unit, for every seller still in

    @property
    def payments(self) -> tuple[Units, ...]:
        """What every seller who sold here receives, in rank order."""
        return tuple((ask_id, units * self.sell_prices[ask_id]) for ask_id, units in self.clearing.sold)


def clear_classes(lanes: Sequence[LaneOrders], *, clear_lane: ClearLane = clear) -> tuple[LaneClearing, ...]:
    """Clear lanes from the most demanding class down. `clear_lane` may be any clearing that equals `dara.clear`."""
    _check_sellers(lanes)
    cleared: list[LaneClearing] = []
    carried: list[Ask] = []
    prices: Mapping[str, int] = {}
    for lane in lanes:
        asks = [*lane.asks, *carried]
        done = _paid_at_most(prices, clear_lane(lane.bids, asks, lane.rules))
        cleared.append(done)
        carried, prices = carry_down(asks, done.clearing.still_in), done.sell_prices
    return tuple(cleared)


def carry_down(asks: Iterable[Ask], still_in: Iterable[Units]) -> list[Ask]:
    """Return what a lane hands to the next one: who is still in and not sold out, at the same ask and rank."""
    unsold = dict(still_in)
    return [replace(ask, units=unsold[ask.order_id]) for ask in asks if unsold.get(ask.order_id)]


def _paid_at_most(earlier: Mapping[str, int], clearing: Clearing) -> LaneClearing:
    """Pay no seller above the price of an earlier lane: staying in above must not become worth a lie."""
    price = clearing.sell_price
    sell_prices = {ask_id: min(price, earlier.get(ask_id, price)) for ask_id, _ in clearing.still_in}
    received = sum(units * sell_prices[ask_id] for ask_id, units in clearing.sold)
    surplus = clearing.buy_price * clearing.units - received
    return LaneClearing(clearing=replace(clearing, surplus=surplus), sell_prices=sell_prices)


def _check_sellers(lanes: Sequence[LaneOrders]) -> None:
    ids: set[str] = set()
    ranks: set[int] = set()
    for number, lane in enumerate(lanes):
        for ask in lane.asks:
            if ask.order_id in ids:
                raise InvalidField("a seller is native to one lane per round", field=f"lanes[{number}].asks")
            if ask.rank in ranks:
                raise InvalidField("sellers of all lanes share one order of ranks", field=f"lanes[{number}].asks")
            ids.add(ask.order_id)
            ranks.add(ask.rank)
