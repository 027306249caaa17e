"""Who does what only one of several need do: rounds of a stack, the watch, the ledger check.

Every one asks for itself and all get the same answer, as long as they know the same of who lives. When one dies only
its chores move, each to one of the others; when it is back they move back.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b


def doer_of(chore: str, living: Collection[int]) -> int | None:
    """Return the number, of those that live, that does a chore; None where none lives.

    The highest hash of chore and number wins (rendezvous hashing, Thaler and Ravishankar 1998).
    """
    return max(living, key=lambda number: (_weight(chore, number), number), default=None)


def _weight(chore: str, number: int) -> bytes:
    return blake2b(f"{number} {chore}".encode(), digest_size=8).digest()
