"""The clearing reproduces all single-lane vectors of the reference implementation, to the base unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from proofgrid.rules.market.reference import next_reference

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "dara.json").read_text(encoding="utf-8")
)["clear"]


def bids_of(vector: dict[str, Any]) -> list[Bid]:
    return [Bid(order_id=str(i), units=units, price=bid, rank=rank) for i, units, bid, rank in vector["buyers"]]


def asks_of(vector: dict[str, Any]) -> list[Ask]:
    return [Ask(order_id=str(i), units=units, price=ask, rank=rank) for i, units, ask, rank in vector["sellers"]]


def rules_of(vector: dict[str, Any]) -> ClearingRules:
    floor, ceil, reference, low, high, share = vector["params"]
    return ClearingRules(
        floor=floor,
        ceil=ceil,
        reference=reference,
        window_low=tuple(low),
        window_high=tuple(high),
        share=tuple(share),
    )


def units_by_id(pairs: list[list[int]]) -> dict[str, int]:
    return {str(order): units for order, units in pairs}


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_a_clearing_gives_the_vector(vector: dict[str, Any]) -> None:
    bids, asks = bids_of(vector), asks_of(vector)

    clearing = clear(bids, asks, rules_of(vector))

    assert (clearing.buy_price, clearing.sell_price) == (vector["pb"], vector["ps"])
    assert dict(clearing.bought) == units_by_id(vector["buys"])
    assert dict(clearing.sold) == units_by_id(vector["sells"])
    assert dict(clearing.still_in) == units_by_id(vector["active"])
    assert clearing.surplus == vector["treasury"]
    assert clearing.slices == tuple((str(bid), str(ask), units) for bid, ask, units in vector["slices"])
    assert next_reference(vector["ref"], clearing, bids, asks) == vector["next_ref"]


def test_the_vectors_cover_trades_and_no_trades_with_and_without_a_reference() -> None:
    assert len(VECTORS) == 150
    for has_trade in (True, False):
        for has_reference in (True, False):
            assert any(bool(v["buys"]) is has_trade and (v["params"][2] is not None) is has_reference for v in VECTORS)
