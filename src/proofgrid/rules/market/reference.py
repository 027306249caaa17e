"""The reference price: what a round tells the next one about the price (dara.md, section 1, step 8; section 7, 3)."""

from __future__ import annotations

from collections.abc import Sequence

from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.orders import Ask, Bid

STEP_PARTS = 8  #: a round moves the reference by at most one eighth, so that no single round can be bought
REFERENCE_MIN = 1


def next_reference(reference: int | None, clearing: Clearing, bids: Sequence[Bid], asks: Sequence[Ask]) -> int | None:
    """Return the reference price of the next round.

    After a trade: the mid price, at most one step away. Without one: a step up when there are bids and nobody asks
    the reference or less, else a step down when there are asks and nobody bids it or more, else no step. Never below
    1: from 0 no share of it would lead up again. Without a reference, the mid price is taken as it is.
    """
    if reference is None:
        return _first_reference(clearing, bids, asks)
    step = max(1, reference // STEP_PARTS)
    if clearing.bought:
        wanted = min(max(_mid_price(clearing), reference - step), reference + step)
    elif bids and not any(ask.price <= reference for ask in asks):
        wanted = reference + step
    elif asks and not any(bid.price >= reference for bid in bids):
        wanted = reference - step
    else:
        wanted = reference
    return min(max(wanted, REFERENCE_MIN), PRICE_MAX)


def reference_after(
    reference: int | None,
    clearing: Clearing,
    bids: Sequence[Bid],
    asks: Sequence[Ask],
    *,
    anchor: int | None,
    is_quiet: bool,
) -> int | None:
    """Return the reference price of a live lane's next round, per unit.

    `bids`, `asks`: those that entered; `anchor`: the wide lane's reference, or of a wide lane the network's setting;
    `is_quiet`: one side has nothing that the limits admit, and no trade that is being proven backs the reference.

    After a trade: the mid price, at most one step away. Without one only orders that could trade with each other move
    it, a step towards the prices between them. A quiet lane comes back to its anchor, step by step, so that no limits
    refuse everybody for good.
    """
    if reference is None:
        return anchor if anchor is not None and is_quiet else _first_reference(clearing, bids, asks)
    wanted = reference
    if clearing.bought:
        wanted = _mid_price(clearing)
    elif bids and asks:
        lowest, highest = min(ask.price for ask in asks), max(bid.price for bid in bids)
        if lowest <= highest:
            wanted = min(max(reference, lowest), highest)
    elif is_quiet and anchor is not None:
        wanted = anchor
    step = max(1, reference // STEP_PARTS)
    return min(max(wanted, reference - step, REFERENCE_MIN), reference + step, PRICE_MAX)


def _first_reference(clearing: Clearing, bids: Sequence[Bid], asks: Sequence[Ask]) -> int | None:
    if clearing.bought:
        return max(_mid_price(clearing), REFERENCE_MIN)
    # A lone pair of orders has nobody to give up and cannot trade without a reference, so a first one is made of
    # their limits. They do not trade in this round, so it costs them no honesty here.
    lowest_ask = min((ask.price for ask in asks), default=None)
    highest_bid = max((bid.price for bid in bids), default=None)
    if lowest_ask is None or highest_bid is None or highest_bid < lowest_ask:
        return None
    return max((lowest_ask + highest_bid) // 2, REFERENCE_MIN)


def _mid_price(clearing: Clearing) -> int:
    return (clearing.buy_price + clearing.sell_price) // 2
