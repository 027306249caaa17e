"""The reference price of the next round, asked of the rules without making a million orders for it."""

from __future__ import annotations

from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.fast_classes import ClearedLane
from proofgrid.rules.market.fast_stack import ClearedRound
from proofgrid.rules.market.orders import Ask, Bid
from proofgrid.rules.market.reference import next_reference, reference_after


def following_reference(reference: int | None, bids: OrderColumns, lane: ClearedLane) -> int | None:
    """Return the lane's next reference price; a lane with one empty side says nothing about the price.

    Of a clearing the rule reads the prices and whether anybody traded, of the orders the best on each side.
    """
    if not len(bids) or not len(lane.asks):
        return reference
    highest, lowest = _best(bids.price.max(), lane.asks.price.min())
    return next_reference(reference, _clearing(lane), [highest], [lowest])


def following_round(
    reference: int | None, bids: OrderColumns, done: ClearedRound, *, anchor: int, backed: bool
) -> int | None:
    """Return the next reference price of a lane of a stack; `backed`: jobs of the lane are being proven."""
    admitted = bids.price[bids.price >= done.rules.floor]
    sides = len(admitted) and len(done.asks)
    best = _best(admitted.max(), done.asks.price.min()) if sides else None
    return reference_after(
        reference,
        _clearing(done),
        [best[0]] if best else [],
        [best[1]] if best else [],
        anchor=anchor,
        is_quiet=done.is_quiet and not backed,
    )


def _best(highest: int, lowest: int) -> tuple[Bid, Ask]:
    bid = Bid(order_id="highest", units=1, price=int(highest), rank=0)
    return bid, Ask(order_id="lowest", units=1, price=int(lowest), rank=0)


def _clearing(lane: ClearedLane) -> Clearing:
    units = int(lane.cleared.bought_units.sum())
    return Clearing(
        buy_price=lane.cleared.buy_price,
        sell_price=lane.cleared.sell_price,
        bought=(("all", units),) if units else (),
        sold=(),
        still_in=(),
        surplus=0,
        slices=(),
    )
