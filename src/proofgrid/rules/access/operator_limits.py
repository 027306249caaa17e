"""How much one operator may have connected, all its names together: names cost nothing, so there is an end to them."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField, TooManyOpen

_HINT = "end provers that you do not need, or ask the network's administrator for more"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorLimits:
    """What an operator may have connected at a time. Published with the network's facts."""

    provers: int = 1_000  #: names, each with one session
    slots: int = 16_384  #: of all of them

    def __post_init__(self) -> None:
        if self.provers < 1 or self.slots < 1:
            raise InvalidField("at least one prover with one slot", field="operator_limits")


def check_connected(*, provers: int, slots: int, limits: OperatorLimits) -> None:
    """Raise TooManyOpen when an operator would have so many provers connected, with so many slots in all."""
    if provers > limits.provers:
        raise TooManyOpen(f"an operator has at most {limits.provers} provers connected", field="name", hint=_HINT)
    if slots > limits.slots:
        raise TooManyOpen(
            f"an operator's provers offer at most {limits.slots} slots in all, these would be {slots}",
            field="slots",
            hint=_HINT,
        )
