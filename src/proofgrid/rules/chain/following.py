"""How a chain is followed: which of the blocks that were read still count, and which are read next.

    kept:   final ... newest          what was read, from the block that was final on
    node:   its newest, its final, and its hashes at the numbers that are kept

Blocks above the newest one on which both agree are undone. At and below the final block nothing is ever undone: a node
whose chain differs there, or that has not come so far, is another chain, behind, or lies; it is not believed. Source:
step 11, trap 9 of its design: a stale node looks like a deep reorganisation, and wiped an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.errors import Unavailable

SPAN_MAX = 512  #: blocks from the final to the newest; a chain that does not become final for longer is in trouble


class NodeNotBelieved(Unavailable):
    """A node of the chain is behind what is final, or of another chain."""

    code = "PG-561"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block."""

    number: int
    hash: str  #: hex digits after 0x


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What follows from asking a node."""

    undone: int | None  #: kept blocks above this number are gone; None: none is
    first: int  #: the blocks to read; `first` is above `last` where there is nothing new
    last: int
    final: int  #: what is below is not needed any more


def next_reading(kept: Sequence[Block], *, newest: int, final: int, hashes: Mapping[int, str]) -> Reading:
    """Return what to undo and to read.

    `kept`: ascending, the first of them is final; empty: nothing was read. `newest`, `final`: numbers that the node
    says. `hashes`: the node's, at the numbers of `kept` that it knows. Raises NodeNotBelieved.
    """
    if final > newest:
        raise NodeNotBelieved(f"its final block {final} is above its newest {newest}")
    if not kept:
        return Reading(undone=None, first=_first(final, newest), last=newest, final=final)
    bottom = kept[0]
    if newest < bottom.number:
        raise NodeNotBelieved(f"it is behind: block {bottom.number} is final, its newest is {newest}")
    if hashes.get(bottom.number) != bottom.hash:
        raise NodeNotBelieved(f"it has another block {bottom.number}, which is final: another chain")
    common = max(block.number for block in kept if hashes.get(block.number) == block.hash)
    final = max(final, bottom.number)  # what was final stays so
    undone = common if common < kept[-1].number else None
    first = _first(final, newest) if common < final else common + 1
    return Reading(undone=undone, first=first, last=newest, final=final)


def _first(final: int, newest: int) -> int:
    if newest - final > SPAN_MAX:
        raise NodeNotBelieved(f"nothing became final for {newest - final} blocks")
    return final


def check_agreed(hashes: Mapping[str, str | None], number: int) -> None:
    """Raise NodeNotBelieved when two nodes have different final blocks of this number; None: one does not know it."""
    said = {block for block in hashes.values() if block is not None}
    if len(said) > 1:
        raise NodeNotBelieved(f"nodes disagree on block {number}, which is final: {', '.join(sorted(hashes))}")
