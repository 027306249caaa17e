"""Markets as people write them down: the JSON items of `proofgrid market clear`, read strictly and answered in kind.

    {"buyers": [[id, units, bid, rank], ...], "sellers": [[id, units, ask, rank], ...],
     "params": [floor, ceil, ref, lo, hi, share], "ref": what next_ref starts from}      one lane
    {"lanes": [[buyers, sellers, params], ...]}                                          nested lanes

Results lie in the order of ids, slices in the order of ranks. Result fields of the input are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, TypeVar

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.classes import ClearLane, LaneClearing, LaneOrders, clear_classes
from proofgrid.rules.market.dara import Units
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules
from proofgrid.rules.market.reference import next_reference

Members = dict[str, object]  #: of a JSON object
Order = TypeVar("Order", Bid, Ask)

BUYER = ("id", "units", "bid", "rank")
SELLER = ("id", "units", "ask", "rank")
PARAMS = ("floor", "ceil", "ref", "lo", "hi", "share")
LANE = ("buyers", "sellers", "params")
CLEAR_RESULTS = ("pb", "ps", "buys", "sells", "active", "treasury", "slices", "next_ref")

#: what a vector file says about itself
CONSTANTS: Members = {
    "maxp": PRICE_MAX,
    "fields": {"buyer": list(BUYER), "seller": list(SELLER), "params": list(PARAMS)},
}
EXAMPLE = '[{"buyers": […], "sellers": […], "params": […]}]'
NAME_IN_JSON = {"reference": "ref", "window_low": "lo", "window_high": "hi"}  #: where the rules say otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearItem:
    """One lane."""

    source: Members
    orders: LaneOrders
    reference: int | None  #: the next reference starts from this one

    def answer(self, clear_lane: ClearLane) -> Members:
        """Return the item with its result fields."""
        bids, asks = self.orders.bids, self.orders.asks
        clearing = clear_lane(bids, asks, self.orders.rules)
        return {
            **{name: self.source[name] for name in LANE},
            "pb": clearing.buy_price,
            "ps": clearing.sell_price,
            "buys": _by_id(clearing.bought),
            "sells": _by_id(clearing.sold),
            "active": _by_id(clearing.still_in),
            "treasury": clearing.surplus,
            "slices": [[int(bid), int(ask), units] for bid, ask, units in clearing.slices],
            "ref": self.reference,
            "next_ref": next_reference(self.reference, clearing, bids, asks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesItem:
    """Nested lanes, the most demanding class first."""

    source: Members
    lanes: Sequence[LaneOrders]

    def answer(self, clear_lane: ClearLane) -> Members:
        """Return the item with its result field."""
        cleared = clear_classes(self.lanes, clear_lane=clear_lane)
        return {"lanes": self.source["lanes"], "results": [_lane_result(lane) for lane in cleared]}


def read_document(document: object) -> dict[str, list[object]]:
    """Return lists of markets by name, as a vector file has them; a list alone is "items". Raises InvalidField."""
    if isinstance(document, list):
        return {"items": document}
    if not isinstance(document, dict) or not {"clear", "classes"} & document.keys():
        raise InvalidField("this is no list of markets", field="file", hint=f'{EXAMPLE} or {{"clear": {EXAMPLE}}}')
    read_names(document, needed=(), known=("clear", "classes", *CONSTANTS), path="file")
    lists = {}
    for name, value in document.items():
        if name not in CONSTANTS:
            lists[name] = read_list(value, path=name)
        elif value != CONSTANTS[name]:
            raise InvalidField(f"markets are read with {name} = {CONSTANTS[name]}", field=name)
    return lists


def read_item(item: object, *, path: str) -> ClearItem | ClassesItem:
    """Return the market of an item of either kind; raise InvalidField naming the first value that breaks a rule."""
    return (read_classes if isinstance(item, dict) and "lanes" in item else read_clear)(item, path=path)


def read_clear(item: object, *, path: str) -> ClearItem:
    """Return the market of one lane."""
    members = read_names(item, needed=LANE, known=(*LANE, "ref", *CLEAR_RESULTS), path=path)
    orders = _read_lane([members[name] for name in LANE], path=path)
    _check_ranks_and_ids([orders], [path])
    reference = members.get("ref", orders.rules.reference)
    if reference is not None and (not _is_whole(reference) or not 0 <= reference <= PRICE_MAX):
        raise InvalidField(f"a reference is null or a whole number from 0 to {PRICE_MAX}", field=f"{path}.ref")
    return ClearItem(source=members, orders=orders, reference=reference)


def read_classes(item: object, *, path: str) -> ClassesItem:
    """Return the market of nested lanes."""
    members = read_names(item, needed=("lanes",), known=("lanes", "results"), path=path)
    rows = read_list(members["lanes"], path=f"{path}.lanes")
    paths = [f"{path}.lanes[{number}]" for number in range(len(rows))]
    lanes = [_read_lane(_row(row, LANE, path=where), path=where) for row, where in zip(rows, paths, strict=True)]
    _check_ranks_and_ids(lanes, paths)
    return ClassesItem(source=members, lanes=lanes)


class Reader(Protocol):
    """Makes a market of an item."""

    def __call__(self, item: object, *, path: str) -> ClearItem | ClassesItem: ...


#: how the markets of a list are read, by the list's name
READERS: Mapping[str, Reader] = {
    "items": read_item,
    "clear": read_clear,
    "classes": read_classes,
}


def read_names(value: object, *, needed: Iterable[str], known: Sequence[str], path: str) -> Members:
    """Return an object; raise InvalidField when it is none, lacks a field, or has one that nobody would read."""
    if not isinstance(value, dict):
        raise InvalidField("a JSON object is needed here", field=path, hint=f"with the fields {', '.join(needed)}")
    for name in needed:
        if name not in value:
            raise InvalidField("this field is missing", field=f"{path}.{name}")
    for name in value:
        if name not in known:
            raise InvalidField("there is no such field", field=f"{path}.{name}", hint=f"there are {', '.join(known)}")
    return value


def read_list(value: object, *, path: str) -> list[object]:
    """Return a list; raise InvalidField for anything else."""
    if not isinstance(value, list):
        raise InvalidField("a list is needed here", field=path)
    return value


def _read_lane(values: Sequence[object], *, path: str) -> LaneOrders:
    buyers, sellers, params = values
    return LaneOrders(
        bids=_read_orders(Bid, buyers, BUYER, path=f"{path}.buyers"),
        asks=_read_orders(Ask, sellers, SELLER, path=f"{path}.sellers"),
        rules=_read_rules(params, path=f"{path}.params"),
    )


def _read_orders(kind: type[Order], rows: object, names: Sequence[str], *, path: str) -> list[Order]:
    orders = []
    for place, row in enumerate(read_list(rows, path=path)):
        number, units, price, rank = _row(row, names, path=f"{path}[{place}]")
        if not _is_whole(number):
            raise InvalidField("an id is a whole number", field=f"{path}[{place}].id")
        try:
            orders.append(kind(order_id=str(number), units=_as_is(units), price=_as_is(price), rank=_as_is(rank)))
        except InvalidField as error:
            name = names[2] if error.field == "price" else error.field
            raise InvalidField(error.detail, field=f"{path}[{place}].{name}") from None
    return orders


def _read_rules(params: object, *, path: str) -> ClearingRules:
    floor, ceil, reference, low, high, share = _row(params, PARAMS, path=path)
    ratios = [read_list(ratio, path=f"{path}.{name}") for name, ratio in (("lo", low), ("hi", high), ("share", share))]
    window_low, window_high, largest = (_as_is(tuple(ratio)) for ratio in ratios)
    try:
        return ClearingRules(
            floor=_as_is(floor),
            ceil=_as_is(ceil),
            reference=_as_is(reference),
            window_low=window_low,
            window_high=window_high,
            share=largest,
        )
    except InvalidField as error:
        name = NAME_IN_JSON.get(error.field, error.field)
        raise InvalidField(error.detail, field=f"{path}.{name}") from None


def _row(row: object, names: Sequence[str], *, path: str) -> list[object]:
    if not isinstance(row, list) or len(row) != len(names):
        raise InvalidField(f"a list of {len(names)} is needed here: {', '.join(names)}", field=path)
    return row


def _is_whole(value: object) -> TypeGuard[int]:
    return type(value) is int  # True and False are none


def _as_is(value: Any) -> Any:
    """Return what an order or a rule checks itself, whatever it is."""
    return value


def _check_ranks_and_ids(lanes: Sequence[LaneOrders], paths: Sequence[str]) -> None:
    """Check what a clearing checks too, but here the second of two equal ones can be named."""
    seller_ids: set[str] = set()
    seller_ranks: set[int] = set()
    for lane, path in zip(lanes, paths, strict=True):
        _check_unique(lane.bids, set(), set(), path=f"{path}.buyers")
        _check_unique(lane.asks, seller_ids, seller_ranks, path=f"{path}.sellers")


def _check_unique(orders: Sequence[Bid | Ask], ids: set[str], ranks: set[int], *, path: str) -> None:
    for place, order in enumerate(orders):
        if order.order_id in ids:
            raise InvalidField(f"the id {order.order_id} is there before", field=f"{path}[{place}].id")
        if order.rank in ranks:
            raise InvalidField(f"the rank {order.rank} is there before", field=f"{path}[{place}].rank")
        ids.add(order.order_id)
        ranks.add(order.rank)


def _lane_result(lane: LaneClearing) -> Members:
    return {
        "pb": lane.clearing.buy_price,
        "ps": lane.clearing.sell_price,
        "buys": _by_id(lane.clearing.bought),
        "sells": _by_id(lane.clearing.sold),
        "recv": _by_id(lane.payments),
        "treasury": lane.clearing.surplus,
    }


def _by_id(pairs: Iterable[Units]) -> list[list[int]]:
    return sorted([int(order_id), amount] for order_id, amount in pairs)
