"""One answer for all who ask at about the same time: it is read once, and held for a moment."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from proofgrid.primitives.clock import Clock

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

HELD_MAX = 256  #: answers to different questions


class Held(Generic[Key, Answer]):
    """What strangers ask costs the database the same, however many they are."""

    def __init__(self, read: Callable[[Key], Awaitable[Answer]], *, holds_ms: int, clock: Clock) -> None:
        self._read = read
        self._holds_ms = holds_ms
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[int, Answer]] = OrderedDict()
        self._reading: dict[Key, asyncio.Lock] = {}

    async def get(self, key: Key) -> Answer:
        """Return the answer as it was `holds_ms` ago at most; raises what reading raises, to each who asks."""
        known = self._fresh(key)
        if known is not None:
            return known[1]
        lock = self._reading.setdefault(key, asyncio.Lock())
        async with lock:  # who came second finds what the first one read
            known = self._fresh(key)
            if known is None:
                try:
                    known = (self._clock.now_ms(), await self._read(key))
                finally:
                    self._reading.pop(key, None)
                self._remember(key, known)
        return known[1]

    def _fresh(self, key: Key) -> tuple[int, Answer] | None:
        known = self._answers.get(key)
        if known is None or self._clock.now_ms() - known[0] >= self._holds_ms:
            return None
        return known

    def _remember(self, key: Key, known: tuple[int, Answer]) -> None:
        self._answers[key] = known
        self._answers.move_to_end(key)
        if len(self._answers) > HELD_MAX:
            self._answers.popitem(last=False)
