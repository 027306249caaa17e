"""What a client demands of the provers of its jobs: public facts, never prices.

Bids with the same constraints form a lane of their own that holds only the provers they accept; it is cleared before
the wide lane of its class, and a prover is offered in one of them, by lot (rules/market/stack.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.digests import digest_of_json
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.jobs.confinement import Confinement, parse_confinement

OPERATORS_MAX = 64
REGIONS_MAX = 16
REGION_CHARS_MAX = 64
NAME_CHARS = 16  #: of the digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Which provers may have a job; empty ones demand nothing."""

    allowed_operators: frozenset[Address] = frozenset()  #: empty: all
    denied_operators: frozenset[Address] = frozenset()
    min_stake: int = 0  #: of the operator, base units
    regions: frozenset[str] = frozenset()  #: empty: all
    confinement: Confinement = Confinement.UNKNOWN  #: at least this
    provers: frozenset[ProverId] = frozenset()  #: that the inputs are sealed for; empty: they are not sealed

    @property
    def is_empty(self) -> bool:
        return self == NO_CONSTRAINTS

    @property
    def name(self) -> str:
        """The last part of the lane's name; empty when nothing is demanded."""
        return "" if self.is_empty else digest_of_json(self.to_json())[:NAME_CHARS]

    def accepts(
        self,
        *,
        operator: str,
        region: str,
        stake: int,
        confinement: Confinement = Confinement.UNKNOWN,
        prover: str = "",
    ) -> bool:
        """May a prover with these facts have the job?"""
        if self.provers and prover not in self.provers:
            return False
        if self.allowed_operators and operator not in self.allowed_operators:
            return False
        if operator in self.denied_operators or stake < self.min_stake:
            return False
        if not confinement.is_at_least(self.confinement):
            return False
        return not self.regions or region in self.regions

    def to_json(self) -> dict[str, Any]:
        """Return the one JSON form of these constraints."""
        return {
            "allowed_operators": sorted(self.allowed_operators),
            "denied_operators": sorted(self.denied_operators),
            "min_stake": self.min_stake,
            "regions": sorted(self.regions),
            # Lanes are named by this form: what is not demanded does not change the names of before.
            **({"confinement": self.confinement.value} if self.confinement else {}),
            **({"provers": sorted(self.provers)} if self.provers else {}),
        }


NO_CONSTRAINTS = Constraints()


def constraints_from_json(value: Mapping[str, Any]) -> Constraints:
    """Return the constraints that `to_json` wrote."""
    return Constraints(
        allowed_operators=frozenset(value["allowed_operators"]),
        denied_operators=frozenset(value["denied_operators"]),
        min_stake=value["min_stake"],
        regions=frozenset(value["regions"]),
        confinement=Confinement(value.get("confinement", "")),
        provers=frozenset(value.get("provers", ())),
    )


def parse_constraints(
    *,
    allowed_operators: list[str],
    denied_operators: list[str],
    min_stake: int,
    regions: list[str],
    confinement: str = "",
) -> Constraints:
    """Return what a client asked for; raise InvalidField naming what is wrong."""
    allowed, denied = _operators(allowed_operators, "allowed"), _operators(denied_operators, "denied")
    if allowed and allowed <= denied:
        raise InvalidField("every allowed operator is denied too", field="constraints.denied_operators")
    if not 0 <= min_stake <= AMOUNT_MAX:
        raise InvalidField("a stake is a whole number of base units from 0", field="constraints.min_stake")
    if len(regions) > REGIONS_MAX or any(not 1 <= len(name) <= REGION_CHARS_MAX for name in regions):
        raise InvalidField(
            f"at most {REGIONS_MAX} names of 1 to {REGION_CHARS_MAX} characters", field="constraints.regions"
        )
    return Constraints(
        allowed_operators=allowed,
        denied_operators=denied,
        min_stake=min_stake,
        regions=frozenset(regions),
        confinement=parse_confinement(confinement),
    )


def _operators(texts: list[str], kind: str) -> frozenset[Address]:
    field = f"constraints.{kind}_operators"
    if len(texts) > OPERATORS_MAX:
        raise InvalidField(f"at most {OPERATORS_MAX} operators", field=field)
    try:
        return frozenset(parse_address(text) for text in texts)
    except InvalidField as error:
        raise InvalidField(error.detail, field=field, hint=error.hint) from None
