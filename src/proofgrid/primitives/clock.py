"""Where time and chance come in: the only module that reads the clock or draws random bytes."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from typing import Protocol
from uuid import UUID

from proofgrid.primitives.ids import uuid_at


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        ...

    def running_seconds(self) -> float:
        """Return the seconds since some moment; unlike `now_ms`, nobody sets it back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when so much time has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def running_seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to, and with whoever sleeps: no real time passes. For tests and simulation."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def running_seconds(self) -> float:
        return self._now_ms / 1000

    async def sleep(self, seconds: float) -> None:
        self.advance(math.ceil(seconds * 1000))

    def advance(self, milliseconds: int) -> None:
        self._now_ms += milliseconds


async def past(clock: Clock, at_ms: int) -> None:
    """Return when `at_ms`, in milliseconds since the Unix epoch, is over."""
    while (left_ms := at_ms + 1 - clock.now_ms()) > 0:
        await clock.sleep(left_ms / 1000)


def fresh_uuid(clock: Clock) -> UUID:
    """Return a new time-ordered id."""
    return uuid_at(now_ms=clock.now_ms(), chance=secrets.token_bytes(10))


def fresh_bytes(count: int) -> bytes:
    """Return `count` unpredictable bytes."""
    return secrets.token_bytes(count)
