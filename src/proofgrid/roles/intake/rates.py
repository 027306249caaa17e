"""How much each caller, or each address that strangers call from, has had lately: token buckets by key."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from proofgrid.primitives.clock import Clock
from proofgrid.rules.jobs.limits import Bucket, Rate, after_taking, left, wait_ms

KEYS_MAX = 100_000

Key = TypeVar("Key", bound=Hashable)


class Rates(Generic[Key]):
    """The buckets of one kind of thing: calls, bytes, time of workers. Whoever was away longest is forgotten."""

    def __init__(self, rate: Rate, clock: Clock, *, keys_max: int = KEYS_MAX) -> None:
        self._rate = rate
        self._clock = clock
        self._keys_max = keys_max
        self._buckets: dict[Key, Bucket] = {}

    def wait_ms(self, key: Key, cost: int = 1) -> int:
        """Return after how long so much may be had; 0: now."""
        bucket = self._buckets.get(key)
        return 0 if bucket is None else wait_ms(bucket, self._rate, cost, now_ms=self._clock.now_ms())

    def left(self, key: Key) -> int:
        """Return how much may be had now."""
        bucket = self._buckets.get(key)
        return self._rate.burst if bucket is None else left(bucket, self._rate, now_ms=self._clock.now_ms())

    def charge(self, key: Key, cost: int = 1) -> None:
        """Count what was had, whatever there was."""
        bucket = after_taking(self._buckets.pop(key, None), self._rate, cost, now_ms=self._clock.now_ms())
        self._buckets[key] = bucket  # re-inserted, so that the first one is the longest unused
        if len(self._buckets) > self._keys_max:
            self._buckets.pop(next(iter(self._buckets)))

    def take(self, key: Key, cost: int = 1) -> int:
        """Have so much and return 0; or have nothing and return after how long to come again, in ms."""
        waits_ms = self.wait_ms(key, cost)
        if not waits_ms:
            self.charge(key, cost)
        return waits_ms

    async def pace(self, key: Key, cost: int) -> None:
        """Have so much, now, and wait until there is as much again: for who reads on when this returns."""
        self.charge(key, cost)
        waits_ms = self.wait_ms(key, 0)
        if waits_ms:
            await self._clock.sleep(waits_ms / 1_000)
