"""Nested lanes reproduce all vectors of the reference implementation, to the base unit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proofgrid.rules.market.classes import LaneOrders, clear_classes
from proofgrid.rules.market.fast import clear_fast
from tests.rules.market.test_dara_vectors import asks_of, bids_of, rules_of, units_by_id

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "dara.json").read_text(encoding="utf-8")
)["classes"]


def lanes_of(vector: dict[str, Any]) -> list[LaneOrders]:
    named = [dict(zip(("buyers", "sellers", "params"), lane, strict=True)) for lane in vector["lanes"]]
    return [LaneOrders(bids=bids_of(lane), asks=asks_of(lane), rules=rules_of(lane)) for lane in named]


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_nested_lanes_give_the_vector(vector: dict[str, Any]) -> None:
    cleared = clear_classes(lanes_of(vector))

    assert len(cleared) == len(vector["results"]) == 3
    for lane, result in zip(cleared, vector["results"], strict=True):
        assert (lane.clearing.buy_price, lane.clearing.sell_price) == (result["pb"], result["ps"])
        assert dict(lane.clearing.bought) == units_by_id(result["buys"])
        assert dict(lane.clearing.sold) == units_by_id(result["sells"])
        assert dict(lane.payments) == units_by_id(result["recv"])
        assert lane.clearing.surplus == result["treasury"]


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_the_fast_path_clears_nested_lanes_alike(vector: dict[str, Any]) -> None:
    assert clear_classes(lanes_of(vector), clear_lane=clear_fast) == clear_classes(lanes_of(vector))


def test_some_vectors_sell_carried_capacity() -> None:
    assert len(VECTORS) == 30
    natives = [{str(seller[0]) for seller in vector["lanes"][2][1]} for vector in VECTORS]
    sold = [units_by_id(vector["results"][2]["sells"]).keys() for vector in VECTORS]
    assert any(sellers - native for sellers, native in zip(sold, natives, strict=True))
