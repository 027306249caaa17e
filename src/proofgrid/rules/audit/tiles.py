"""A log as files that never change: C2SP's tlog-tiles.

tile/<level>/<number>[.p/<width>]   256 hashes of neighbouring full trees of 256^level entries
tile/entries/<number>[.p/<width>]   256 entries, each behind its length

A number is written in groups of three digits, all but the last behind an x: 1234067 is x001/x234/067.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from proofgrid.rules.audit.merkle import root_of

WIDTH = 256
ENTRY_BYTES_MAX = 65_535
LEVEL_MAX = 5  #: 2^48 entries
ENTRIES = -1  #: the level of tiles that hold entries
_PATH = re.compile(r"tile/(entries|[0-5])/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?")
_GROUPS_MAX = 6


@dataclass(frozen=True, slots=True)
class Tile:
    """Which one: `width` of its 256 places are filled."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @property
    def span(self) -> int:
        """How many entries stand behind one of its places."""
        return 1 if self.level == ENTRIES else WIDTH**self.level

    @property
    def entries(self) -> range:
        """Which entries of the log it is made of."""
        first = self.number * WIDTH * self.span
        return range(first, first + self.width * self.span)


def read_path(path: str) -> Tile | None:
    """Return which tile is meant, or None for a path that is none, or is written in a second way."""
    found = _PATH.fullmatch(path)
    if found is None or found[2].count("/") >= _GROUPS_MAX:
        return None
    level = ENTRIES if found[1] == "entries" else int(found[1])
    tile = Tile(level, int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH))
    return tile if tile.path == path and 0 < tile.width <= WIDTH else None


def tiles_of(size: int) -> Iterator[Tile]:
    """The tiles of a log of `size` entries."""
    for level in (ENTRIES, *range(LEVEL_MAX + 1)):
        span = 1 if level == ENTRIES else WIDTH**level
        places = size // span
        for number in range(-(-places // WIDTH)):
            yield Tile(level, number, min(WIDTH, places - number * WIDTH))


def hashes_of(tile: Tile, leaves: Sequence[bytes]) -> bytes:
    """The content of a tile of hashes; `leaves`: the hashes of its entries."""
    return b"".join(root_of(leaves[first : first + tile.span]) for first in range(0, len(leaves), tile.span))


def bundle_of(entries: Iterable[bytes]) -> bytes:
    """The content of a tile of entries."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_bundle(content: bytes) -> list[bytes] | None:
    """The entries of such a tile, or None when it is cut."""
    found, place = [], 0
    while place < len(content):
        end = place + 2 + int.from_bytes(content[place : place + 2], "big")
        if place + 2 > len(content) or end > len(content):
            return None
        found.append(content[place + 2 : end])
        place = end
    return found
