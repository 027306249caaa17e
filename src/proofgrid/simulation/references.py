"""The reference price of the next round, asked of the rules without making a million orders for it."""

from __future__ import annotations

from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.fast_classes import ClearedLane
from proofgrid.rules.market.orders import Ask, Bid
from proofgrid.rules.market.reference import next_reference


def following_reference(reference: int | None, bids: OrderColumns, lane: ClearedLane) -> int | None:
    """Return the lane's next reference price; a lane with one empty side says nothing about the price.

    Of a clearing the rule reads the prices and whether anybody traded, of the orders the best on each side.
    """
    if not len(bids) or not len(lane.asks):
        return reference
    units = int(lane.cleared.bought_units.sum())
    clearing = Clearing(
        buy_price=lane.cleared.buy_price,
        sell_price=lane.cleared.sell_price,
        bought=(("all", units),) if units else (),
        sold=(),
        still_in=(),
        surplus=0,
        slices=(),
    )
    highest = Bid(order_id="highest", units=1, price=int(bids.price.max()), rank=0)
    lowest = Ask(order_id="lowest", units=1, price=int(lane.asks.price.min()), rank=0)
    return next_reference(reference, clearing, [highest], [lowest])
