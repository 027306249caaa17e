"""Orders and clearings as columns of whole numbers: how a book of a million orders is held. Ids stay outside.

An order is known by its place in the columns. `OrderColumns.of` makes columns of a list of orders, `with_ids` makes
a `Clearing` of the result; each takes about as long as the clearing between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.dara import Clearing
from proofgrid.rules.market.orders import Ask, Bid

Column: TypeAlias = NDArray[np.int64]


def column_of(values: Sequence[int]) -> Column:
    """Return the values as a column; raise OverflowError where one does not fit into 64 bits."""
    return np.array(values, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrderColumns:
    """One side of a book. All columns are int64 and equally long."""

    units: Column
    price: Column  #: base units of money per proving unit
    rank: Column  #: place in the public order of this side, 0 is best; no two are equal

    def __post_init__(self) -> None:
        for column in fields(self):
            _check_column(getattr(self, column.name), len(self.price), field=column.name)
        if self.units.min(initial=1) <= 0:
            raise InvalidField("an order has at least one unit", field="units")
        if self.price.min(initial=0) < 0 or self.price.max(initial=0) >= PRICE_MAX:
            raise InvalidField(f"a price per unit is at least 0 and below {PRICE_MAX}", field="price")
        if self.rank.min(initial=0) < 0:
            raise InvalidField("a rank is a whole number from 0", field="rank")

    def __len__(self) -> int:
        return len(self.price)

    @classmethod
    def of(cls, orders: Sequence[Bid] | Sequence[Ask]) -> OrderColumns:
        """Return the columns of a list; raise OverflowError where a number does not fit into 64 bits."""
        return cls(
            units=column_of([order.units for order in orders]),
            price=column_of([order.price for order in orders]),
            rank=column_of([order.rank for order in orders]),
        )

    def as_bids(self) -> list[Bid]:
        """Return the orders as bids whose ids are their places."""
        rows = zip(self.units.tolist(), self.price.tolist(), self.rank.tolist(), strict=True)
        return [
            Bid(order_id=str(i), units=units, price=price, rank=rank) for i, (units, price, rank) in enumerate(rows)
        ]

    def as_asks(self) -> list[Ask]:
        """Return the orders as asks whose ids are their places."""
        rows = zip(self.units.tolist(), self.price.tolist(), self.rank.tolist(), strict=True)
        return [
            Ask(order_id=str(i), units=units, price=price, rank=rank) for i, (units, price, rank) in enumerate(rows)
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClearedColumns:
    """A `Clearing` whose orders are places in the columns that went in. All columns are in rank order."""

    buy_price: int
    sell_price: int
    surplus: int
    bought: Column  #: places of the winning bids, who get all their units
    bought_units: Column
    still_in: Column  #: places of the asks still in ...
    sold_units: Column  #: ... what each of them sold; by rank, so those who sell come first
    unsold_units: Column  #: ... and what it did not
    slice_buyers: Column  #: of every slice, which entry of `bought` it serves ...
    slice_sellers: Column  #: ... which entry of `still_in` serves it ...
    slice_units: Column  #: ... and its units

    @classmethod
    def of(cls, clearing: Clearing) -> ClearedColumns:
        """Return the columns of a clearing whose ids are places."""
        sold = dict(clearing.sold)
        buyer_of = {bid: entry for entry, (bid, _) in enumerate(clearing.bought)}
        seller_of = {ask: entry for entry, (ask, _) in enumerate(clearing.still_in)}
        return cls(
            buy_price=clearing.buy_price,
            sell_price=clearing.sell_price,
            surplus=clearing.surplus,
            bought=column_of([int(bid) for bid in buyer_of]),
            bought_units=column_of([units for _, units in clearing.bought]),
            still_in=column_of([int(ask) for ask in seller_of]),
            sold_units=column_of([sold.get(ask, 0) for ask in seller_of]),
            unsold_units=column_of([units for _, units in clearing.still_in]),
            slice_buyers=column_of([buyer_of[bid] for bid, _, _ in clearing.slices]),
            slice_sellers=column_of([seller_of[ask] for _, ask, _ in clearing.slices]),
            slice_units=column_of([units for _, _, units in clearing.slices]),
        )

    def with_ids(self, bid_ids: Sequence[str], ask_ids: Sequence[str]) -> Clearing:
        """Return the clearing with the orders' ids in the places of the columns."""
        bought = np.array(bid_ids, dtype=np.object_)[self.bought]
        still_in = np.array(ask_ids, dtype=np.object_)[self.still_in]
        sellers = int((self.sold_units > 0).sum())
        return Clearing(
            buy_price=self.buy_price,
            sell_price=self.sell_price,
            bought=_rows(bought, self.bought_units),
            sold=_rows(still_in[:sellers], self.sold_units[:sellers]),
            still_in=_rows(still_in, self.unsold_units),
            surplus=self.surplus,
            slices=_rows(bought[self.slice_buyers], still_in[self.slice_sellers], self.slice_units),
        )


def _rows(*columns: NDArray[Any]) -> tuple[Any, ...]:
    return tuple(zip(*[column.tolist() for column in columns], strict=True))


def _check_column(column: object, length: int, *, field: str) -> None:
    if not isinstance(column, np.ndarray) or column.dtype != np.int64 or column.shape != (length,):
        raise InvalidField("a column is one row of int64, as long as the others", field=field)
