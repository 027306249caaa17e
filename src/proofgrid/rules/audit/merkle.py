"""The Merkle tree of a log that only grows: RFC 6962, section 2.1, as C2SP's tlog-tiles uses it.

A tree of n leaves is the largest full tree of fewer than n leaves, beside the tree of the rest. So what is full never
changes, and all that must be known to append is the roots of the full trees along the right edge: the `Frontier`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The full trees of a log from left to right, largest first: one per set bit of its size."""

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.roots) != self.size.bit_count() or any(len(root) != HASH_BYTES for root in self.roots):
            raise ValueError(f"{len(self.roots)} roots do not make a log of {self.size} entries")

    def append(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the frontier with these leaf hashes behind."""
        size, roots = self.size, list(self.roots)
        for leaf in leaves:
            roots.append(leaf)
            for _ in range(_trailing_ones(size)):
                right = roots.pop()
                roots.append(node_hash(roots.pop(), right))
            size += 1
        return Frontier(size, tuple(roots))

    @property
    def root(self) -> bytes:
        """The root of the whole log."""
        if not self.roots:
            return EMPTY_ROOT
        root = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            root = node_hash(left, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root of a log with these leaf hashes."""
    return Frontier().append(leaves).root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, lowest first. Raises IndexError for a leaf not there."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"the log has {len(leaves)} entries, and none has the number {index}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split])]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """The hashes that show that the first `old_size` leaves are the beginning of all. Raises IndexError."""
    if not 0 < old_size <= len(leaves):
        raise IndexError(f"a log of {len(leaves)} entries was never one of {old_size}")
    return _consistency(leaves, old_size, is_whole=True)


def _consistency(leaves: Sequence[bytes], old: int, *, is_whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    split = _split(len(leaves))
    if old <= split:
        return [*_consistency(leaves[:split], old, is_whole=is_whole), root_of(leaves[split:])]
    return [*_consistency(leaves[split:], old - split, is_whole=False), root_of(leaves[:split])]


def root_by_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a log of `size` has if `leaf` is its entry `index`; None for a proof of another shape.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for other in proof:
        if last == 0 or len(other) != HASH_BYTES:
            return None
        if place & 1 or place == last:
            root = node_hash(other, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, other)
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Is a log with the old root the beginning of the one with the new root? RFC 9162, section 2.1.4.2."""
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof  # nothing is the beginning of everything
    if not 0 < old_size < size or any(len(one) != HASH_BYTES for one in proof):
        return False
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    ours = theirs = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            ours, theirs = node_hash(other, ours), node_hash(other, theirs)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            theirs = node_hash(theirs, other)
        place, last = place >> 1, last >> 1
    return last == 0 and ours == old_root and theirs == root


def _trailing_ones(number: int) -> int:
    return ((number + 1) & ~number).bit_length() - 1


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1
