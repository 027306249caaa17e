"""Bids below every ask: a round counts them, and its record names none of them.

A bid is bought only by a buyers' clock that met the sellers', and a sellers' clock stands at an ask or above (dara.md,
section 1, steps 3 to 5). So a bid below every ask of its round is never bought. It still is demand, which says whose
clock moves. For that only its slots and its price count: of bids for one job each, at one price, that every prover here
may run, it does not matter which one leaves first. A book of a thousand such bids is therefore a list of prices, and
each of how many bid it; the clearing is that of the bids with their names, to the last unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.primitives.quick_values import maker_of
from proofgrid.rules.market.orders import Bid
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand

COUNTED_MAX = 2**20  #: bids of one round


class LoneBid(NamedTuple):
    """A bid for one job that every prover here may run."""

    limit_price: int  #: the most its client pays per unit
    units: int  #: of its job
    program_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBids:
    """How many bid what."""

    prices: tuple[tuple[int, int], ...] = ()  #: a limit price, and how many bid it; the highest price first
    programs: frozenset[str] = frozenset()  #: those of the bids that the floor admits

    def __post_init__(self) -> None:
        for pair in self.prices:
            if len(pair) != 2 or any(type(number) is not int for number in pair):
                raise InvalidField("a counted price is a pair of whole numbers: price, bids", field="counted.prices")
            price, bids = pair
            if not 0 <= price < PRICE_MAX or not 1 <= bids <= COUNTED_MAX:
                raise InvalidField("a counted price is a price, and bid at least once", field="counted.prices")
        if any(before <= after for (before, _), (after, _) in pairwise(self.prices)):
            raise InvalidField("counted prices fall from one to the next", field="counted.prices")
        if self.total > COUNTED_MAX:
            raise InvalidField(f"a round counts at most {COUNTED_MAX} bids", field="counted.prices")

    @classmethod
    def of(cls, bids: Mapping[LoneBid, int], *, floor: int, ceil: int) -> CountedBids:
        """Count bids, each given with how often it is there; `floor`, `ceil`: the limits of their round."""
        times: dict[int, int] = {}
        for one, number in bids.items():
            times[one.limit_price] = times.get(one.limit_price, 0) + number
        return cls(
            prices=tuple(sorted(times.items(), reverse=True)),
            programs=frozenset([one.program_digest for one in bids if floor <= min(ceil, one.limit_price)]),
        )

    @property
    def total(self) -> int:
        """How many bids there are."""
        return sum([bids for _, bids in self.prices])

    def admitted(self, floor: int, ceil: int) -> CountedBids:
        """Return those that bid the floor or more; with the floor above the ceiling there are none."""
        admitted = tuple([pair for pair in self.prices if floor <= min(ceil, pair[0])])
        return CountedBids(prices=admitted, programs=self.programs) if admitted else NOTHING_COUNTED

    def bids(self, *, first_rank: int) -> list[Bid]:
        """Return them as bids for one slot each that rank behind all others; of equal price nobody else is there."""
        prices = [price for price, bids in self.prices for _ in range(bids)]
        return [_bid(f"counted {place}", 1, price, first_rank + place) for place, price in enumerate(prices)]

    def check(self, demands: Sequence[TaskDemand], supplies: Sequence[ProverSupply]) -> None:
        """Raise InvalidField when one of them could be bought, or somebody with a name bids the same."""
        if not self.prices:
            return
        if any(supply.ask_price <= self.prices[0][0] for supply in supplies):
            raise InvalidField("a counted bid is below every ask", field="counted.prices")
        if not {price for price, _ in self.prices}.isdisjoint([demand.limit_price for demand in demands]):
            raise InvalidField("who bids as much as a counted bid is counted too", field="counted.prices")


NOTHING_COUNTED = CountedBids()
_bid = maker_of(Bid)


def admitted_units(bids: Mapping[LoneBid, int], *, floor: int, ceil: int) -> list[int]:
    """Return the units of the jobs whose bids the limits admit."""
    return [one.units for one, number in bids.items() if floor <= min(ceil, one.limit_price) for _ in range(number)]
