"""`stack.run_stack` on columns, where a task has one job and an operator one prover: the same rounds to the last slot.

Sellers are numbered through all lanes, the natives of the most demanding lane first, and may serve all lanes from
theirs on. Lanes with constraints, tasks of several jobs and operators of several provers are for lists; exclusions are
only known where jobs are placed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from proofgrid.rules.market.columns import Column, OrderColumns, column_of
from proofgrid.rules.market.fast import clear_columns
from proofgrid.rules.market.fast_classes import ClearedLane, check_ranks
from proofgrid.rules.market.orders import ClearingRules, price_limits
from proofgrid.rules.scheduling.lots import lanes_in_turn
from proofgrid.rules.scheduling.placement_columns import place_columns

#: Of a lane's number, winning bids and sellers still in: which places on the line some of these bids must not get.
Excluded: TypeAlias = Callable[[int, Column, Column], Mapping[int, AbstractSet[int]]]
NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SlotLane:
    """What waits in one lane, and who is native to it."""

    bids: OrderColumns  #: their units are slots: one for each job
    job_units: Column  #: of each bid, the PU of each of its jobs
    asks: OrderColumns  #: their units are whole free slots
    reference: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lots:
    """What the beacon drew."""

    turns: Column  #: of every seller, when it is its turn to be given a lane
    rounding: Sequence[int]  #: of every lane


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClearedRound(ClearedLane):
    """The round of one lane, in slots."""

    rules: ClearingRules
    places: Column  #: of every winning bid, its entry of `still_in`, or UNSOLD
    is_quiet: bool  #: one side has nothing that the limits admit, wherever sellers were drawn


def nobody_excluded(_lane: int, _bought: Column, _still_in: Column) -> Mapping[int, AbstractSet[int]]:
    """Let every job run on every prover."""
    return {}


def run_stack_columns(
    lanes: Sequence[SlotLane], *, lots: Lots, excluded: Excluded = nobody_excluded
) -> tuple[ClearedRound, ...]:
    """Hold one round of every lane."""
    check_ranks([lane.asks for lane in lanes])
    slots, price, rank = (
        np.concatenate([column_of([]), *(getattr(lane.asks, name) for lane in lanes)])
        for name in ("units", "price", "rank")
    )
    jobs = column_of([_admitted_jobs(lane) for lane in lanes])
    is_able = _able(lanes, price, jobs)
    lane_of = _drawn(lanes, slots, jobs, is_able, lots)
    done: list[ClearedRound] = []
    for number, lane in enumerate(lanes):
        floor, ceil = price_limits(lane.reference)
        here = np.flatnonzero((lane_of == number) & (price <= ceil))
        asks = OrderColumns(units=np.minimum(slots[here], jobs[number]), price=price[here], rank=rank[here])
        rules = replace(ClearingRules.suggested(lane.reference, sellers=len(here)), floor=floor, ceil=ceil)
        cleared = clear_columns(lane.bids, asks, rules)
        still_in = here[cleared.still_in]
        done.append(
            ClearedRound(
                asks=asks,
                sellers=here,
                cleared=cleared,
                sell_prices=np.full(len(still_in), cleared.sell_price, dtype=np.int64),
                rules=rules,
                places=place_columns(
                    cleared.bought_units,
                    cleared.sold_units,
                    slots[still_in],
                    excluded(number, cleared.bought, still_in),
                ),
                is_quiet=not is_able[number].any(),
            )
        )
    return tuple(done)


def _admitted_jobs(lane: SlotLane) -> int:
    floor, ceil = price_limits(lane.reference)
    return int(lane.bids.units[lane.bids.price >= floor].sum()) if floor <= ceil else 0


def _able(lanes: Sequence[SlotLane], price: Column, jobs: Column) -> np.typing.NDArray[np.bool_]:
    """Return for each lane which sellers could trade there."""
    serves = _serves(lanes)
    ceilings = [price_limits(lane.reference)[1] for lane in lanes]
    able = [serves[number] & (price <= ceil) & (jobs[number] > 0) for number, ceil in enumerate(ceilings)]
    return np.array(able, dtype=np.bool_).reshape(len(lanes), len(price))


def _serves(lanes: Sequence[SlotLane]) -> np.typing.NDArray[np.bool_]:
    native = np.repeat(np.arange(len(lanes)), [len(lane.asks) for lane in lanes])
    return np.asarray(native <= np.arange(len(lanes))[:, np.newaxis])


def _drawn(
    lanes: Sequence[SlotLane], slots: Column, jobs: Column, is_able: np.typing.NDArray[np.bool_], lots: Lots
) -> Column:
    """Return the lane of every seller, or NOWHERE: as `scheduling.lots` draws it."""
    serves = _serves(lanes) & (jobs > 0)[:, np.newaxis] & is_able.any(axis=0)
    count = serves.sum(axis=0)
    in_turn = np.lexsort((lots.turns, count))
    in_turn = in_turn[count[in_turn] > 0]
    choices = [
        [(lane, have) for lane in range(len(lanes)) if served[lane]]
        for have, served in zip(slots[in_turn].tolist(), serves.T[in_turn].tolist(), strict=True)
    ]
    lane_of = np.full(len(slots), NOWHERE, dtype=np.int64)
    lane_of[in_turn] = lanes_in_turn(choices, jobs.tolist(), lots.rounding)
    return lane_of
