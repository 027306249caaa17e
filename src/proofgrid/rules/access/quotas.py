"""How many bytes somebody may store: what is there and what is promised count alike, and no promise goes beyond.

    room --reserved, with an expiry--> bytes come, at most so many --> stored
      ^---------- given back, or expired ----------'

Clients have one limit for all. Operators have it too, and a smaller one for what they upload under one lease: a proof.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import TooLarge


@dataclass(frozen=True, slots=True)
class HeldBytes:
    """What counts for one owner, or one lease: bytes that are there, and bytes that are on their way."""

    stored: int
    reserved: int


def room_bytes(held: HeldBytes, *, limit_bytes: int) -> int:
    """Return how many bytes more may be promised; what is there already stays, even where the limit is lower by now."""
    return max(0, limit_bytes - held.stored - held.reserved)


def check_room(size_bytes: int, held: HeldBytes, *, limit_bytes: int, whose: str) -> None:
    """Raise TooLarge where so many bytes more do not fit. `whose`: "you store", or of a lease."""
    if size_bytes <= room_bytes(held, limit_bytes=limit_bytes):
        return
    on_their_way = f" and {held.reserved} are on their way" if held.reserved else ""
    raise TooLarge(
        f"{whose} {held.stored} bytes{on_their_way}; {size_bytes} more are above the {limit_bytes} that are allowed",
        field="size_bytes",
        hint="uploads are forgotten after a while, and programs with `proofgrid program delete`",
    )
