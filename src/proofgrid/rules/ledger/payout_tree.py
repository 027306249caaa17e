"""What is paid and owed, as a root that a contract checks single accounts against.

A leaf is keccak256(keccak256(account as 32 bytes, amount as 32 bytes)); two nodes hash in ascending order; a node
without a neighbour goes up as it is. That is how OpenZeppelin's MerkleProof reads a proof. Hashing a leaf twice keeps
an inner node (64 bytes) from passing for one. Leaves stand in the order of their accounts, so whoever has the same
amounts has the same root.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address

_NO_ROOT = bytes(32)


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
        return self._levels[-1][0] if self.amounts else _NO_ROOT

    def proof(self, account: Address) -> list[bytes]:
        """Return the neighbours on the way from an account's leaf to the root. Raises InvalidField for a stranger."""
        if account not in self.amounts:
            raise InvalidField("nothing is paid or owed to this account", field="account")
        at = sorted(self.amounts, key=str.lower).index(account)
        found = []
        for level in self._levels[:-1]:
            if (neighbour := at ^ 1) < len(level):
                found.append(level[neighbour])
            at //= 2
        return found

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        ordered = sorted(self.amounts.items(), key=lambda one: one[0].lower())
        levels = [[leaf_of(account, amount) for account, amount in ordered]]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([_joined(below[at : at + 2]) for at in range(0, len(below), 2)])
        return levels


def leaf_of(account: Address, amount: int) -> bytes:
    """Return the leaf of an account. Raises InvalidField for an amount that no contract can hold."""
    if not 0 <= amount < 1 << 128:
        raise InvalidField("an amount is from 0 to below 2^128", field="amount")
    return keccak(keccak(bytes.fromhex(account[2:]).rjust(32, b"\0") + amount.to_bytes(32)))


def is_in(root: bytes, account: Address, amount: int, proof: list[bytes]) -> bool:
    """Does a proof lead from this account and amount to the root?"""
    node = leaf_of(account, amount)
    for neighbour in proof:
        node = _joined([node, neighbour])
    return node == root


def _joined(pair: list[bytes]) -> bytes:
    return keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0]
