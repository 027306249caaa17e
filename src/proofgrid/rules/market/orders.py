"""What goes into a clearing: sealed orders of both sides and the public parameters (dara.md, section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX

Ratio = tuple[int, int]  #: numerator, denominator; a float would round differently elsewhere

SELLERS_FOR_HALF_SHARE = 4  #: from here on no order may take more than half of the supply
SELLERS_FOR_A_MARKET = 2  #: below, there is no competition and the price is the reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """A buyer wants all of `units` or nothing, at most at `price` per unit."""

    order_id: str
    units: int
    price: int  #: base units of money per proving unit
    rank: int  #: place in the public order of all buyers, 0 is best; fixed before prices are known

    def __post_init__(self) -> None:
        _check_order(self.units, self.price, self.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A seller offers up to `units`, at least at `price` per unit."""

    order_id: str
    units: int
    price: int  #: base units of money per proving unit
    rank: int  #: place in the public order of all sellers, 0 is best; fixed before prices are known

    def __post_init__(self) -> None:
        _check_order(self.units, self.price, self.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingRules:
    """The public parameters of one clearing, known before any price is."""

    floor: int  #: the buyers' clock starts here; lower bids are not admitted
    ceil: int  #: the sellers' clock starts here; higher asks are not admitted
    reference: int | None  #: a price from earlier rounds, never from this one
    window_low: Ratio  #: times the reference: both clocks should come to rest above this price ...
    window_high: Ratio  #: ... and below this one
    share: Ratio  #: the largest bid, as a share of the admitted supply

    def __post_init__(self) -> None:
        _check_limit(self.floor, field="floor")
        _check_limit(self.ceil, field="ceil")
        if self.reference is not None:
            _check_limit(self.reference, field="reference")
        for field in ("window_low", "window_high", "share"):
            _check_ratio(getattr(self, field), field=field)
        if self.window_low[0] * self.window_high[1] > self.window_high[0] * self.window_low[1]:
            raise InvalidField("the lower end of the window is not above its upper end", field="window_low")
        if not 0 < self.share[0] <= self.share[1]:
            raise InvalidField("a share is above 0 and at most 1", field="share")

    @classmethod
    def suggested(cls, reference: int | None, *, sellers: int) -> ClearingRules:
        """Return dara.md's suggested parameters for a round with so many sellers.

        Floor P/4, ceil 4P, window 4/5 .. 5/4. Thin rule: a lone seller trades at the reference or not at all.
        """
        floor, ceil = price_limits(reference)
        is_thin = sellers < SELLERS_FOR_A_MARKET
        return cls(
            floor=floor,
            ceil=ceil,
            reference=reference,
            window_low=(1, 1) if is_thin else (4, 5),
            window_high=(1, 1) if is_thin else (5, 4),
            share=(1, 2) if sellers >= SELLERS_FOR_HALF_SHARE else (1, 1),
        )

    def window(self, *, sellers: int) -> tuple[int, int]:
        """Return the prices between which the clocks should come to rest.

        Everything when there is no reference. Thin rule: fewer than two sellers do not compete, so one trades at
        the reference or not at all.
        """
        if self.reference is None:
            return 0, PRICE_MAX
        if sellers < SELLERS_FOR_A_MARKET:
            return self.reference, self.reference
        low, low_parts = self.window_low
        high, high_parts = self.window_high
        return self.reference * low // low_parts, -(-self.reference * high // high_parts)


def price_limits(reference: int | None) -> tuple[int, int]:
    """Return the suggested floor and ceiling: P/4 and 4P; everything when there is no reference."""
    if reference is None:
        return 0, PRICE_MAX
    return reference // 4, min(4 * reference, PRICE_MAX)


def _check_order(units: int, price: int, rank: int) -> None:
    # type() and not isinstance(): True is no price. This runs for every order, so the common case is one line.
    if type(units) is int and type(price) is int and type(rank) is int and units > 0 and rank >= 0:
        if 0 <= price < PRICE_MAX:
            return
        raise InvalidField(f"a price per unit is at least 0 and below {PRICE_MAX}", field="price")
    if type(units) is not int or units <= 0:
        raise InvalidField("an order has at least one unit, a whole number", field="units")
    if type(rank) is not int or rank < 0:
        raise InvalidField("a rank is a whole number from 0", field="rank")
    raise InvalidField("a price is a whole number of base units", field="price")


def _check_limit(price: int, *, field: str) -> None:
    if type(price) is not int or not 0 <= price <= PRICE_MAX:
        raise InvalidField(f"a price limit is a whole number from 0 to {PRICE_MAX}", field=field)


def _check_ratio(ratio: Ratio, *, field: str) -> None:
    if len(ratio) != 2 or any(type(part) is not int for part in ratio) or ratio[0] < 0 or ratio[1] <= 0:
        raise InvalidField("a ratio is a pair of whole numbers: numerator from 0, denominator from 1", field=field)
