"""The attack of dara.md, section 6: a top bid for as much as a bid may cover, and a decoy seller who leaves.

Where one bid may cover the whole supply, the decoy's leaving makes it too small for her, so she is squeezed out and
pays nothing, after her demand has driven everybody else away. Where it may cover half, she has to buy what she blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.fast_classes import LaneColumns
from proofgrid.rules.market.fast_stack import SlotLane
from proofgrid.rules.market.orders import ClearingRules, Ratio, price_limits

DECOY_UNITS = 1


def attack(lane: LaneColumns, *, share: Ratio | None = None) -> LaneColumns:
    """Return a lane of units with her bid and her decoy at the end of the columns.

    She knows the book, and nothing better; `share` tries another rule than the lane's.
    """
    rules = lane.rules if share is None else replace(lane.rules, share=share)
    admitted = lane.asks.price <= rules.ceil
    supply = int(lane.asks.units[admitted].sum()) + DECOY_UNITS
    units = max(1, supply * rules.share[0] // rules.share[1])
    # She outbids everybody, and her decoy asks the most that is admitted, so that it leaves first.
    top = min(PRICE_MAX - 1, max(rules.ceil, int(lane.bids.price.max(initial=0))))
    return LaneColumns(
        bids=_with_one(lane.bids, units=units, price=top),
        asks=_with_one(lane.asks, units=DECOY_UNITS, price=min(rules.ceil, PRICE_MAX - 1)),
        rules=_counted(rules, sellers=int(admitted.sum()) + 1),
    )


def attack_slots(lanes: Sequence[SlotLane], number: int, *, slots_above: int) -> SlotLane:
    """Return a lane of a stack with them: her bid is for many jobs, each as long as the longest that waits.

    `slots_above` may be drawn from the lanes above; how many will, she does not know.
    """
    lane = lanes[number]
    _, ceil = price_limits(lane.reference)
    admitted = lane.asks.price <= ceil
    slots = int(lane.asks.units[admitted].sum()) + slots_above + DECOY_UNITS
    share = ClearingRules.suggested(lane.reference, sellers=int(admitted.sum()) + slots_above + 1).share
    top = min(PRICE_MAX - 1, max(ceil, int(lane.bids.price.max(initial=0))))
    return SlotLane(
        bids=_with_one(lane.bids, units=max(1, slots * share[0] // share[1]), price=top),
        job_units=np.append(lane.job_units, lane.job_units.max(initial=1)),
        asks=_with_one(lane.asks, units=DECOY_UNITS, price=min(ceil, PRICE_MAX - 1)),
        reference=lane.reference,
    )


def _counted(rules: ClearingRules, *, sellers: int) -> ClearingRules:
    return rules if sellers > 1 else replace(rules, share=(1, 1))


def _with_one(orders: OrderColumns, *, units: int, price: int) -> OrderColumns:
    return OrderColumns(
        units=np.append(orders.units, units),
        price=np.append(orders.price, price),
        rank=np.append(orders.rank, int(orders.rank.max(initial=-1)) + 1),
    )
