"""Refused calls, bounded: what strangers do again and again is told as one entry with a count."""

from __future__ import annotations

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

    def note(self, entry: Entry) -> None:
        """Count one refused call; of those that are the same, the first one's request is kept."""
        kind = Refusal(entry.act, entry.by, entry.outcome)
        known = self._entries.get(kind)
        if known is not None:
            self._entries[kind] = replace(known, count=known.count + entry.count)
        elif len(self._entries) < KINDS_MAX:
            self._entries[kind] = entry
        else:
            self._others += entry.count

    def take(self, at_ms: int) -> list[Entry]:
        """Return what is to be written, and forget it."""
        found = list(self._entries.values())
        if self._others:
            found.append(Entry(act=OTHERS, by="", peer="", what={}, outcome=OTHERS, count=self._others, at_ms=at_ms))
        self._entries, self._others = {}, 0
        return found
