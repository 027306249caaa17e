"""The world's clock: a heap of events, each a batch of facts that the market notices at the same moment."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Fact = TypeVar("Fact")


@dataclass(slots=True)
class Clock(Generic[Fact]):
    """Time moves from event to event; events of one moment come in the order in which they were made."""

    now_ms: int = 0
    facts: int = 0  #: how many single facts were taken, for a progress bar
    _heap: list[tuple[int, int, int, Fact]] = field(default_factory=list)
    _made: int = 0

    def at(self, time_ms: int, fact: Fact, *, count: int = 1) -> None:
        """Let something happen at a time, or now when that is over; `count` facts in one."""
        heapq.heappush(self._heap, (max(time_ms, self.now_ms), self._made, count, fact))
        self._made += 1

    def take_next(self) -> Fact | None:
        """Move to the next event and return it; None when nothing will happen any more."""
        if not self._heap:
            return None
        self.now_ms, _, count, fact = heapq.heappop(self._heap)
        self.facts += count
        return fact
