"""What is paid and owed, as a root that a contract checks single accounts against.

A leaf is keccak256(keccak256(account as 32 bytes, amount as 32 bytes)). Leaves stand in the order of their accounts, so
whoever has the same amounts has the same root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.merkle import MerkleTree, leads_to


@dataclass(frozen=True)
class PayoutTree:
    """Amounts of accounts, in base units of the token."""

    amounts: Mapping[Address, int]

    @property
    def total(self) -> int:
        """Of all accounts."""
        return sum(self.amounts.values())

    @property
    def root(self) -> bytes:
        """32 bytes; zeros for no account."""
        return self._tree.root

    def proof(self, account: Address) -> list[bytes]:
        """Return the neighbours on the way from an account's leaf to the root. Raises InvalidField for a stranger."""
        if account not in self.amounts:
            raise InvalidField("nothing is paid or owed to this account", field="account")
        return self._tree.proof(self._accounts.index(account))

    @cached_property
    def _accounts(self) -> list[Address]:
        return sorted(self.amounts, key=str.lower)

    @cached_property
    def _tree(self) -> MerkleTree:
        return MerkleTree([leaf_of(account, self.amounts[account]) for account in self._accounts])


def leaf_of(account: Address, amount: int) -> bytes:
    """Return the leaf of an account. Raises InvalidField for an amount that no contract can hold."""
    if not 0 <= amount < 1 << 128:
        raise InvalidField("an amount is from 0 to below 2^128", field="amount")
    return keccak(keccak(bytes.fromhex(account[2:]).rjust(32, b"\0") + amount.to_bytes(32)))


def is_in(root: bytes, account: Address, amount: int, proof: list[bytes]) -> bool:
    """Does a proof lead from this account and amount to the root?"""
    return leads_to(root, leaf_of(account, amount), proof)
