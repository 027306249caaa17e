"""`classes.clear_classes` on columns: the same stack of lanes to the last bit, for books that lists are too slow for.

Sellers are numbered through all lanes, the natives of the most demanding lane first; what is carried down keeps its
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.columns import ClearedColumns, Column, OrderColumns, column_of
from proofgrid.rules.market.fast import SUM_MAX, clear_columns
from proofgrid.rules.market.orders import ClearingRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LaneColumns:
    """The orders that are native to one lane. A seller is native to one lane per round."""

    bids: OrderColumns
    asks: OrderColumns
    rules: ClearingRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClearedLane:
    """How one lane cleared, carried sellers included."""

    asks: OrderColumns  #: natives, then whom the lane above handed down
    sellers: Column  #: the numbers of these sellers
    cleared: ClearedColumns  #: its places are places in `asks`; its surplus counts what is really paid
    sell_prices: Column  #: what each entry of `still_in` receives per unit

    @property
    def still_in(self) -> Column:
        """The numbers of the sellers still in, in rank order."""
        return self.sellers[self.cleared.still_in]


def clear_class_columns(lanes: Sequence[LaneColumns]) -> tuple[ClearedLane, ...]:
    """Clear lanes from the most demanding class down."""
    check_ranks([lane.asks for lane in lanes])
    paid_at_most = np.full(sum(len(lane.asks) for lane in lanes), PRICE_MAX, dtype=np.int64)
    carried, carried_numbers = OrderColumns.of([]), column_of([])
    done: list[ClearedLane] = []
    first = 0
    for lane in lanes:
        natives = np.arange(first, first + len(lane.asks), dtype=np.int64)
        first += len(lane.asks)
        asks, sellers = _joined(lane.asks, carried), np.concatenate((natives, carried_numbers))
        cleared = clear_columns(lane.bids, asks, lane.rules)

        still_in = sellers[cleared.still_in]
        sell_prices = np.minimum(paid_at_most[still_in], cleared.sell_price)
        paid_at_most[still_in] = sell_prices
        surplus = cleared.buy_price * int(cleared.bought_units.sum()) - received(cleared.sold_units, sell_prices)
        cleared = replace(cleared, surplus=surplus)
        done.append(ClearedLane(asks=asks, sellers=sellers, cleared=cleared, sell_prices=sell_prices))
        carried, carried_numbers = _carried_down(asks, sellers, cleared)
    return tuple(done)


def _carried_down(asks: OrderColumns, sellers: Column, cleared: ClearedColumns) -> tuple[OrderColumns, Column]:
    unsold = cleared.unsold_units > 0
    places = cleared.still_in[unsold]
    columns = OrderColumns(units=cleared.unsold_units[unsold], price=asks.price[places], rank=asks.rank[places])
    return columns, sellers[places]


def _joined(natives: OrderColumns, carried: OrderColumns) -> OrderColumns:
    if not len(carried):
        return natives
    return OrderColumns(
        units=np.concatenate((natives.units, carried.units)),
        price=np.concatenate((natives.price, carried.price)),
        rank=np.concatenate((natives.rank, carried.rank)),
    )


def received(units: Column, prices: Column) -> int:
    """Return the sum of what all sellers receive."""
    # Floats only say which arithmetic is wide enough, as in `fast`.
    if np.dot(units.astype(np.float64), prices.astype(np.float64)) < SUM_MAX:
        return int(np.dot(units, prices))
    return sum(amount * price for amount, price in zip(units.tolist(), prices.tolist(), strict=True))


def check_ranks(sellers: Sequence[OrderColumns]) -> None:
    """Raise InvalidField when two sellers, whichever their native lanes, have one rank."""
    ranks = np.concatenate([column_of([]), *(asks.rank for asks in sellers)])
    lane_of = np.repeat(np.arange(len(sellers)), [len(asks) for asks in sellers])
    by_rank = np.argsort(ranks, kind="stable")
    twice = np.flatnonzero(np.diff(ranks[by_rank]) == 0)
    if len(twice):
        number = lane_of[by_rank[twice + 1]].min()
        raise InvalidField("sellers of all lanes share one order of ranks", field=f"lanes[{number}].asks")
