"""Keeps a piece of a role's work running: it does a step, waits until the next is due, and waits out what passes.

step --seconds until the next is due; None: until somebody wakes it--> wait --> step ...
  `--passing trouble: one line in the log, then it waits and tries again
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from proofgrid.store.weather import PASSING_TROUBLE
from proofgrid.telemetry.seam import span

Step = Callable[[], Awaitable[float | None]]  #: returns how long to wait for the next one, in seconds


#: Between two looks at much it waits so many times as long as one took: looking is a twentieth of the time.
_REST = 19


def rest_after(worked_seconds: float, *, least: float, most: float = float("inf")) -> float:
    """Return how long to wait after a look that took so long, in seconds, within bounds."""
    return max(least, min(most, _REST * worked_seconds))


class Loop:
    """`run` it in a TaskGroup. Whatever is not passing trouble ends it, loudly.

    `first`: how long it waits before the first step. `retry_seconds`: how long after trouble; `on_trouble` does what
    is to be done then and says itself how long. `trouble` and `said` are what the log says of it.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        *,
        first: float | None = 0.0,
        retry_seconds: float = 1.0,
        on_trouble: Step | None = None,
        trouble: str = "database_away",
        **said: object,
    ) -> None:
        self._name = name
        self._step = step
        self._first = first
        self._retry_seconds = retry_seconds
        self._on_trouble = on_trouble
        self._trouble = trouble
        self._said = said
        self._woken = asyncio.Event()
        self._woken_at: float | None = None
        self._is_running = False

    def wake(self) -> None:
        """There may be something to do now. Called during a step, another one follows at once."""
        if self._woken_at is None:
            self._woken_at = asyncio.get_running_loop().time()
        self._woken.set()

    def overdue_seconds(self) -> float:
        """Return for how long somebody who woke it has been waiting for the step to begin; 0 where nobody has."""
        return (
            0.0
            if self._woken_at is None or not self._is_running
            else asyncio.get_running_loop().time() - self._woken_at
        )

    async def run(self) -> None:
        """Work until cancelled."""
        self._is_running = True
        try:
            if self._first != 0:
                await self._wait(self._first)
            while True:
                self._woken.clear()
                self._woken_at = None
                await self._wait(await self._turn())
        finally:
            self._is_running = False

    async def _turn(self) -> float | None:
        with span("loop", self._name) as turn:
            try:
                return await self._step()
            except PASSING_TROUBLE as error:
                turn.failed(error, "warning", self._trouble, **self._said, reason=str(error))
        return self._retry_seconds if self._on_trouble is None else await self._on_trouble()

    async def _wait(self, seconds: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()


def every(seconds: float, work: Callable[[], Awaitable[object]]) -> Step:
    """Return the step that does `work` and is due again after so many seconds."""

    async def step() -> float:
        await work()
        return seconds

    return step
