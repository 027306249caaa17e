"""Refused calls, bounded: what strangers do again and again is told as one entry with a count."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from proofgrid.rules.audit.entries import Entry

KINDS_MAX = 20  #: entries that one gateway writes in one go; what is beyond is told as one
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What makes refused calls the same."""

    act: str
    by: str
    code: str


class Refusals:
    """Counts refused calls until they are written down."""

    def __init__(self) -> None:
        self._entries: dict[Refusal, Entry] = {}
        self._others = 0

    def note(self, kind: Refusal, told: Callable[[], Entry]) -> None:
        """Count one refused call; of those that are the same the first one is `told`."""
        if not self._is_counted(kind, 1):
            self._entries[kind] = told()

    def give_back(self, entries: Iterable[Entry]) -> None:
        """Count again what was taken, and could not be written down."""
        for entry in entries:
            kind = Refusal(entry.act, entry.by, entry.outcome)
            if not self._is_counted(kind, entry.count):
                self._entries[kind] = entry

    def _is_counted(self, kind: Refusal, count: int) -> bool:
        known = self._entries.get(kind)
        if known is not None:
            self._entries[kind] = replace(known, count=known.count + count)
        elif len(self._entries) >= KINDS_MAX:
            self._others += count
        else:
            return False  # it is the first of its kind
        return True

    def take(self, at_ms: int) -> list[Entry]:
        """Return what is to be written, and forget it."""
        found = list(self._entries.values())
        if self._others:
            found.append(Entry(act=OTHERS, by="", peer="", what={}, outcome=OTHERS, count=self._others, at_ms=at_ms))
        self._entries, self._others = {}, 0
        return found
