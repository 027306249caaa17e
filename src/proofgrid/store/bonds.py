"""Bonds as they are written down: what leases bind, what is on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import Address
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of an operator's bond its leases bind, in base units."""

    operator: Address
    bound: int


@dataclass(frozen=True, slots=True)
class Unbonding:
    """A part of a bond on its way out."""

    unbonding_id: str
    rest: int  #: what slashes left of it, in base units
    ready_ms: int


@dataclass(frozen=True, slots=True)
class WithdrawnUnbonding:
    """A part of a bond that has just left it."""

    unbonding_id: str
    rest: int  #: base units


@dataclass(frozen=True, slots=True)
class ChainBond:
    """What stake on a chain adds to an operator's bond."""

    operator: Address
    staked: int  #: base units
    counts_ledger: bool  #: its bond in the ledger counts too

    def usable(self, ledger: int) -> int:
        """Return what its leases may bind, its bond in the ledger being so much."""
        return (ledger if self.counts_ledger else 0) + self.staked


CHAIN_BONDS = query("chain_bonds", ChainBond)
BOUND_OF_OPERATORS = query("bound_of_operators", Bound)
INSERT_UNBONDING = query("insert_unbonding", str)
GET_UNBONDING = query("get_unbonding", int)  #: what it was when it began, in base units
WITHDRAW_UNBONDINGS = query("withdraw_unbondings", WithdrawnUnbonding)
UNBONDINGS_OF = query("unbondings_of", Unbonding)


async def chain_bonds_of(connection: Connection, operators: Sequence[str]) -> dict[str, ChainBond]:
    """Return what stake on a chain adds to these operators' bonds."""
    return {one.operator: one for one in await connection.fetch(CHAIN_BONDS, operators=sorted(set(operators)))}


async def bound_of(connection: Connection, operator: Address) -> int:
    """Return how much of an operator's bond its leases bind, in base units."""
    rows = await connection.fetch(BOUND_OF_OPERATORS, operators=[operator])
    return rows[0].bound if rows else 0
