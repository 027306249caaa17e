"""A limit price that its client lets rise while nobody sells: "10% more after every 5 s without a sale, up to X".

Every round sees one price and is truthful for it; the ladder only says which one a client names next. What a round
showed of others' orders is not used: time without a sale is all that raises the price.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX

PERMILLE_MAX = 10_000
EVERY_MIN_MS, EVERY_MAX_MS = 1_000, 24 * 3_600_000
WHOLE_PERMILLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How a limit price rises."""

    permille: int  #: by so much of the price each time
    every_ms: int  #: after so long without a sale
    price_max: int  #: base units per PU; never beyond

    def check(self, *, limit_price: int) -> None:
        """Raise InvalidField naming what is outside its rule."""
        if not 1 <= self.permille <= PERMILLE_MAX:
            raise InvalidField(f"a step is 1 to {PERMILLE_MAX} permille", field="ladder.permille")
        if not EVERY_MIN_MS <= self.every_ms <= EVERY_MAX_MS:
            raise InvalidField("a step takes 1 second to 1 day", field="ladder.every_ms")
        if not limit_price < self.price_max < PRICE_MAX:
            raise InvalidField("the last price is above the limit price", field="ladder.price_max")

    def next_price(self, price: int) -> int:
        """Return the price after one more step: at least one base unit more, at most the last price."""
        step = max(1, price * self.permille // WHOLE_PERMILLE)
        return min(price + step, self.price_max)
