"""What a prover brought into a round of the first edition."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import PRICE_MAX, UNITS_MAX
from proofgrid.rules.scheduling import demand_and_supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Where unsold capacity came from: a more demanding lane of the same stack, cleared a moment before."""

    lane: str
    number: int  #: of that lane's round
    price_max: int  #: no lane paid a prover more per unit than the lanes above in which it stayed

    def __post_init__(self) -> None:
        _check_whole(self.number, 0, PRICE_MAX, field="carried.number")
        _check_whole(self.price_max, 0, PRICE_MAX, field="carried.price_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverSupply(demand_and_supply.ProverSupply):
    """The free capacity of one prover."""

    slot_units_max: int | None = None  #: that a slot proved within the horizon; None: its speed was not measured
    carried: Carried | None = None  #: what it left unsold in another lane of the stack; None: it was native

    def __post_init__(self) -> None:
        # A dataclass with slots is made anew, so `super()` without arguments would not find it.
        demand_and_supply.ProverSupply.__post_init__(self)
        if self.slot_units_max is not None:
            _check_whole(self.slot_units_max, 1, UNITS_MAX, field="slot_units_max")


def _check_whole(value: int, least: int, most: int, *, field: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidField(f"a whole number from {least} to {most} is needed", field=field)
