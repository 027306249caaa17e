"""Merkle trees as OpenZeppelin's MerkleProof reads them: two nodes hash in ascending order, a lone one goes up.

Leaves are hashed twice by whoever makes them, so that an inner node (64 bytes) never passes for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak

_NO_ROOT = bytes(32)


@dataclass(frozen=True)
class MerkleTree:
    """Leaves of 32 bytes, in the order that their maker gave them."""

    leaves: Sequence[bytes]

    @property
    def root(self) -> bytes:
        """32 bytes; zeros for no leaf."""
        return self._levels[-1][0] if self.leaves else _NO_ROOT

    def proof(self, at: int) -> list[bytes]:
        """Return the neighbours on the way from a leaf to the root. Raises IndexError."""
        if not 0 <= at < len(self.leaves):
            raise IndexError(f"no leaf {at}")
        found = []
        for level in self._levels[:-1]:
            if (neighbour := at ^ 1) < len(level):
                found.append(level[neighbour])
            at //= 2
        return found

    @cached_property
    def _levels(self) -> list[list[bytes]]:
        levels = [list(self.leaves)]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([_joined(below[at : at + 2]) for at in range(0, len(below), 2)])
        return levels


def leads_to(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Does a proof lead from a leaf to the root?"""
    node = leaf
    for neighbour in proof:
        node = _joined([node, neighbour])
    return node == root


def _joined(pair: list[bytes]) -> bytes:
    return keccak(b"".join(sorted(pair))) if len(pair) == 2 else pair[0]
