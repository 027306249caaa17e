"""How many submissions a client has under way at once: all of them, until a gateway is busy; then as TCP does it.

busy      -> half of those under way, none at all for a moment; who was refused waits as the gateway said
answered  -> a little more; without limit again once it is far from being one
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofgrid.primitives.errors import Busy
from proofgrid.sdk.backoff import stretch

HOLD_SECONDS = 0.25  #: nobody asks, after a refusal: the gateway lets others in meanwhile
FREE_AGAIN = 64.0  #: under way at once; as many as a gateway takes of all clients together


class Pace:
    """One for a connection: what one call was told holds for the others."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not secrets
        self._limit = math.inf
        self._under_way = 0
        self._not_before = 0.0
        self._changed = asyncio.Event()
        self._last: Busy | None = None

    def jitter(self) -> float:
        """Return by how much a time that was said is stretched, so that not all come back together."""
        return stretch(self._chance)

    @asynccontextmanager
    async def turn(self, *, patience_seconds: float) -> AsyncIterator[None]:
        """Be one of those under way; raises the gateway's last Busy when that takes longer than patience."""
        await self._enter(patience_seconds)
        try:
            yield
        except Busy as error:
            self._slow_down(error)
            raise
        else:
            self._speed_up()
        finally:
            self._under_way -= 1
            self._changed.set()

    async def _enter(self, patience_seconds: float) -> None:
        give_up_at = self._now() + patience_seconds
        while self._last is not None and self._wait_seconds() is not None:
            wait = self._wait_seconds() or 0.0
            if self._now() + wait > give_up_at:
                raise self._last
            self._changed.clear()
            try:
                async with asyncio.timeout(min(wait or math.inf, give_up_at - self._now())):
                    await self._changed.wait()
            except TimeoutError:
                if self._now() >= give_up_at:
                    raise self._last from None
        self._under_way += 1

    def _wait_seconds(self) -> float | None:
        """Return how long to wait at least, 0 for a place; None when there is one now."""
        if self._under_way == 0 or self._under_way + 1 <= self._limit:
            wait = self._not_before - self._now()
            return wait if wait > 0 else None
        return 0.0

    def _slow_down(self, error: Busy) -> None:
        self._last = error
        self._limit = max(1.0, min(self._limit, self._under_way) / 2)
        hold_seconds = min(error.wait_ms / 1_000, HOLD_SECONDS) * self.jitter()
        self._not_before = max(self._not_before, self._now() + hold_seconds)

    def _speed_up(self) -> None:
        if math.isfinite(self._limit):
            self._limit += 1 / self._limit
            if self._limit >= FREE_AGAIN:
                self._limit, self._last = math.inf, None

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
