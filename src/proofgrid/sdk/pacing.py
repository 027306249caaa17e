"""How many submissions a client has under way at once: all of them, until a gateway is busy; then as TCP does it.

busy      -> half of those under way, none at all for a moment; who was refused waits as the gateway said
answered  -> a little more; without limit again once it is far from being one

Who waits stands in a line and is called when there is a place. Hundreds may wait on the machine of a busy client: if
every answer woke all of them, they would take the time that their answers need.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import OrderedDict
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
        self._line: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._call: asyncio.TimerHandle | None = None
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
            self._leave()

    async def _enter(self, patience_seconds: float) -> None:
        if not self._line and self._has_place() and self._hold_seconds() <= 0:
            self._under_way += 1
            return
        last = self._last
        if last is not None and self._hold_seconds() > patience_seconds:
            raise last
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line[turn] = None
        self._fill()
        try:
            async with asyncio.timeout(patience_seconds):
                await turn
        except BaseException as error:
            self._line.pop(turn, None)
            if turn.done() and not turn.cancelled():
                if isinstance(error, TimeoutError):
                    return  # its turn came at the last moment
                self._leave()
            if isinstance(error, TimeoutError) and self._last is not None:
                raise self._last from None
            raise

    def _leave(self) -> None:
        self._under_way -= 1
        self._fill()

    def _has_place(self) -> bool:
        return self._under_way == 0 or self._under_way + 1 <= self._limit

    def _hold_seconds(self) -> float:
        return self._not_before - self._now() if self._last is not None else 0.0

    def _fill(self) -> None:
        """Call those whose turn it is; while nobody may ask, come back when one may."""
        while self._line and self._has_place():
            if (hold_seconds := self._hold_seconds()) > 0:
                if self._call is None:
                    self._call = asyncio.get_running_loop().call_later(hold_seconds, self._held)
                return
            turn, _ = self._line.popitem(last=False)
            if not turn.done():  # else it was cancelled just now
                self._under_way += 1
                turn.set_result(None)

    def _held(self) -> None:
        self._call = None
        self._fill()

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
