"""Lists in pages: what a page holds, and the cursor behind which the next one begins.

A cursor is the place of the last entry in the order of its list, spelled in base64url: whoever reads it learns nothing
that the page did not say, and whoever makes one up gets another part of what is theirs anyway. So it needs no secret;
it is only checked to be one of that list. It goes with any filter, and holds while entries come and go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import parse_uuid

CHARS_MAX = 1_024
BEYOND_MS = 2**63 - 1  #: newer than anything
_TEXT_CHARS_MAX = 512
_LAST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

Entry = TypeVar("Entry")
Place = Sequence[int | str]  #: of an entry, in the order of its list

#: Where lists begin that are ordered by moments, newest first, and then by ids.
NEWEST: Place = (BEYOND_MS, "")
NEWEST_UUID: Place = (BEYOND_MS, _LAST_UUID)


class Page(list[Entry]):
    """Entries of a list. `next_cursor`: behind which it goes on; empty: that was the last of them."""

    def __init__(self, entries: Iterable[Entry] = (), next_cursor: str = "") -> None:
        super().__init__(entries)
        self.next_cursor = next_cursor


def page_of(rows: Sequence[Entry], *, limit: int, of: str, place: Callable[[Entry], Place]) -> Page[Entry]:
    """Return a page of the rows that were read: one more than `limit`, if there are more."""
    shown = rows[:limit]
    return Page(shown, spell_cursor(of, place(shown[-1])) if shown and len(rows) > limit else "")


def spell_cursor(of: str, place: Place) -> str:
    """Return the cursor of a place in the list `of`."""
    spelled = json.dumps([of, *place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(spelled).decode().rstrip("=")


def read_cursor(text: str, of: str, first: Place) -> Place:
    """Return the place that a cursor of the list `of` names, `first` where there is none; raise InvalidField."""
    if not text:
        return first
    place = _place_of(text, of)
    if place is None or [type(one) for one in place] != [type(one) for one in first]:
        raise InvalidField(
            "this is no cursor of this list", field="cursor", hint="next_cursor of the page before, as it is"
        )
    return place


def before_uuid(cursor: str, of: str) -> dict[str, object]:
    """Return, for a query, behind which moment and id a list goes on that is ordered by them, newest first."""
    at_ms, name = read_cursor(cursor, of, NEWEST_UUID)
    return {"before_ms": at_ms, "before_id": parse_uuid(str(name), field="cursor")}


def before_name(cursor: str, of: str) -> dict[str, object]:
    """Return the same where ids are texts."""
    at_ms, name = read_cursor(cursor, of, NEWEST)
    return {"before_ms": at_ms, "before_id": name}


def _place_of(text: str, of: str) -> Place | None:
    try:
        said = json.loads(base64.b64decode(text[:CHARS_MAX] + "===", altchars=b"-_"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, list) or not said or said[0] != of:
        return None
    place = said[1:]
    return place if all(map(_is_part, place)) else None


def _is_part(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _TEXT_CHARS_MAX and value.isascii() and value.isprintable()
    return type(value) is int and abs(value) < 2**63
