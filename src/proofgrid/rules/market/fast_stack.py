"""`stack.run_stack` on columns, where a task has one job and a prover one ask: the same rounds to the last unit.

Sellers are numbered through all lanes, the natives of the most demanding lane first; who comes down keeps its number.
Lanes with constraints, and jobs for which somebody sits a round out, are for lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.columns import Column, OrderColumns, column_of
from proofgrid.rules.market.fast import clear_columns
from proofgrid.rules.market.fast_classes import ClearedLane, check_ranks, received
from proofgrid.rules.market.orders import ClearingRules, price_limits
from proofgrid.rules.scheduling.placement_columns import UNSOLD, place_columns

#: Of a lane's number, winning bids and sellers still in: which places on the line some of these bids must not get.
Excluded: TypeAlias = Callable[[int, Column, Column], Mapping[int, AbstractSet[int]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotLane:
    """What waits in one lane, and who is native to it. A seller is native to one lane per round."""

    bids: OrderColumns
    job_units: Column  #: of each bid, its largest job; below its units where somebody wants slices and not whole jobs
    asks: OrderColumns  #: their units are whole free slots
    reference: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClearedRound(ClearedLane):
    """The round of one lane. Its `asks` are units again: slots, each of which holds one lot."""

    rules: ClearingRules
    lot: int
    places: Column  #: of every winning bid, its entry of `still_in`, or UNSOLD


def nobody_excluded(_lane: int, _bought: Column, _still_in: Column) -> Mapping[int, AbstractSet[int]]:
    """Let every job run on every prover."""
    return {}


def run_stack_columns(lanes: Sequence[SlotLane], *, excluded: Excluded = nobody_excluded) -> tuple[ClearedRound, ...]:
    """Hold one round of every lane with bids, from the most demanding class down; of the others nothing is said."""
    check_ranks([lane.asks for lane in lanes])
    slots, price, rank = (
        np.concatenate([column_of([]), *(getattr(lane.asks, name) for lane in lanes)])
        for name in ("units", "price", "rank")
    )
    paid_at_most = np.full(len(slots), PRICE_MAX, dtype=np.int64)
    done: list[ClearedRound] = []
    natives_end = 0
    for number, lane in enumerate(lanes):
        natives_end += len(lane.asks)
        here = np.flatnonzero(slots[:natives_end]) if len(lane.bids) else column_of([])
        rules = _rules(lanes, number, price[here])
        lot = lot_of(lane, floor=rules.floor)
        asks = OrderColumns(units=slots[here] * lot, price=price[here], rank=rank[here])
        cleared = clear_columns(lane.bids, asks, rules)

        still_in = here[cleared.still_in]
        paid_at_most[still_in] = np.minimum(paid_at_most[still_in], cleared.sell_price)
        sell_prices = paid_at_most[still_in]
        surplus = cleared.buy_price * int(cleared.bought_units.sum()) - received(cleared.sold_units, sell_prices)
        places = place_columns(
            cleared.bought_units,
            cleared.sold_units,
            cleared.sold_units + cleared.unsold_units,
            excluded(number, cleared.bought, still_in),
        )
        made = ClearedRound(
            asks=asks,
            sellers=here,
            cleared=replace(cleared, surplus=surplus),
            sell_prices=sell_prices,
            rules=rules,
            lot=lot,
            places=places,
        )
        done.append(made)
        # Who left for its price has nothing more to offer; who stayed comes down with the slots that no job is on.
        left = _unsold_slots(made, lane, slots[still_in])
        slots[here] = 0
        slots[still_in] = left
    return tuple(done)


def floor_of(lanes: Sequence[SlotLane], number: int) -> int:
    """Return a lane's floor: at least the reference of the next lane below that has bids."""
    floor, _ = price_limits(lanes[number].reference)
    below = next((lane.reference or 0 for lane in lanes[number + 1 :] if len(lane.bids)), 0)
    return max(floor, below)


def lot_of(lane: SlotLane, *, floor: int) -> int:
    """Return what a slot holds: the largest job that the floor admits, or where it admits none the largest of all."""
    admitted = lane.job_units[lane.bids.price >= floor]
    return int(admitted.max(initial=0)) or int(lane.job_units.max(initial=0))


def _rules(lanes: Sequence[SlotLane], number: int, asks: Column) -> ClearingRules:
    reference = lanes[number].reference
    _, ceil = price_limits(reference)
    rules = ClearingRules.suggested(reference, sellers=int((asks <= ceil).sum()))
    return replace(rules, floor=floor_of(lanes, number))


def _unsold_slots(done: ClearedRound, lane: SlotLane, slots: Column) -> Column:
    """As `rounds.unsold_slots`: what jobs run on is rounded up to whole slots, and may be more than there is."""
    cleared = done.cleared
    used = np.zeros(len(slots), dtype=np.int64)
    is_whole = lane.job_units[cleared.bought] == cleared.bought_units
    placed = is_whole & (done.places != UNSOLD)
    np.add.at(used, done.places[placed], cleared.bought_units[placed])
    by_slices = ~is_whole[cleared.slice_buyers]
    np.add.at(used, cleared.slice_sellers[by_slices], cleared.slice_units[by_slices])
    left: Column = np.maximum(0, slots + -used // max(1, done.lot))
    return left
