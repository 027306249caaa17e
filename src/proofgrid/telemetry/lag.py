"""How late the event loop comes: a tick that is due every so often, and by how much it was late."""

from __future__ import annotations

from collections import deque

from proofgrid.primitives.clock import Clock

TICK_SECONDS = 0.05
REMEMBERED_SECONDS = 3.0  #: longer than whoever asks sleeps between two looks


class LoopLag:
    """Needs its `run` in a TaskGroup; until then nothing is late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: float | None = None
        self._late: deque[tuple[float, float]] = deque()  #: when, by how many seconds; a later one is smaller

    async def run(self) -> None:
        """Tick until cancelled."""
        try:
            while True:
                self._due = self._clock.running_seconds() + TICK_SECONDS
                await self._clock.sleep(TICK_SECONDS)
                self._note(self._clock.running_seconds())
        finally:
            self._due = None

    def seconds(self, *, within: float = REMEMBERED_SECONDS) -> float:
        """Return the worst lateness of so many last seconds, that of the tick which is due now included."""
        if self._due is None:
            return 0.0
        now = self._clock.running_seconds()
        self._forget(now)
        return max(0.0, now - self._due, next((late for at, late in self._late if at >= now - within), 0.0))

    def _note(self, now: float) -> None:
        late = now - (self._due or now)
        while self._late and self._late[-1][1] <= late:
            self._late.pop()
        self._late.append((now, late))
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._late and self._late[0][0] < now - REMEMBERED_SECONDS:
            self._late.popleft()
