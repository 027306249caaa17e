"""Lets in as many submissions at once as the gateway can take without coming late; refuses the rest before it costs.

    place --> window (rules/access/pressure.py), line (rules/access/waiting_line.py) --> work, or Busy with a time

Money, results, heartbeats and leases do not pass here: what was accepted is never refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import Busy
from proofgrid.primitives.fair_line import FairLine
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.pressure import Part, WindowPolicy, pause_ms, window_after, worst_of
from proofgrid.rules.access.waiting_line import (
    LinePolicy,
    come_again_ms,
    kept_back_ms,
    may_wait,
    patience_ms,
    places_of_askers,
    places_of_one,
)
from proofgrid.telemetry.metrics.of_gateway import ADMISSION_LINE, ADMISSION_WINDOW, PRESSURE

LOOK_SECONDS = 0.1
LOOKS_PER_SECOND = 10
SHED_WAIT_MS = 5_000
SHED = {
    "disk_full": "its disk is full",
    "database_slow": "the database is slow",
    "store_slow": "the artifact store is slow",
}
ASKERS = "asks "  #: before a client in line: its questions wait in a line of their own

log = structlog.get_logger(__name__)


class Gate:
    """Needs its `run` in a TaskGroup; `parts`: how late each part of the gateway comes now, in seconds.

    `sheds`: why nothing new is let in at all, a kind of incident; empty: it is.
    """

    def __init__(
        self,
        parts: Mapping[Part, Callable[[], float]],
        clock: Clock,
        *,
        window: WindowPolicy | None = None,
        line: LinePolicy | None = None,
        sheds: Callable[[], str] = lambda: "",
    ) -> None:
        self._sheds = sheds
        self._parts = parts
        self._clock = clock
        self._window_policy = window or WindowPolicy()
        self._line_policy = line or LinePolicy()
        self._window_milli = self._window_policy.most_milli
        self._pressure = 0  #: at the look before
        self._inside = 0
        self._asking = 0  #: of those inside, for a price only
        self._held: Counter[Address] = Counter()  #: places inside, by client
        self._paused_until = 0.0  #: by the clock
        self._line: FairLine[asyncio.Future[None]] = FairLine()
        self._empty_at = 0.0  #: by the clock: when nobody waited last
        self._let_in: deque[int] = deque([0], LOOKS_PER_SECOND)  #: at each look; the last one is going on
        self._refused: deque[int] = deque([0], LOOKS_PER_SECOND)
        self._told: Counter[Address] = Counter()  #: refusals of each client in this second
        self._looks = 0
        self._kept_back = 0  #: refusals that wait to be told
        self._is_refusing = False
        self._refused_in_all = 0  #: since it began to refuse

    async def run(self) -> None:
        """Measure and adjust until cancelled."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Adjust the window to how late the gateway is."""
        part, pressure = worst_of({part: int(1_000 * late()) for part, late in self._parts.items()})
        self._window_milli = window_after(self._window_milli, pressure, self._pressure, self._window_policy)
        self._pressure = pressure
        ADMISSION_WINDOW.set(self._window_milli / 1_000)
        ADMISSION_LINE.set(len(self._line))
        PRESSURE.set(pressure / 1_000)
        self._say(part, pressure)
        self._let_in.append(0)
        self._refused.append(0)
        self._looks += 1
        if self._looks % LOOKS_PER_SECOND == 0:
            self._told.clear()
        self._fill()

    @asynccontextmanager
    async def place(self, client: Address, *, asks: bool = False) -> AsyncIterator[None]:
        """Have a place for as long as the context lasts, in turn with other clients. Raises Busy.

        `asks`: for a price only; those who do share half of the window, so that they never keep submissions out.
        """
        self.check()
        await self._enter(ASKERS + client if asks else client)
        begun = self._clock.running_seconds()
        try:
            yield
        finally:
            self._count_out(ASKERS + client if asks else client)
            self._pause(self._clock.running_seconds() - begun)
            self._fill()

    def check(self) -> None:
        """Raise Busy while nothing new is let in, whoever asks: the database or the store is slow or full."""
        if why := self._sheds():
            what = SHED[why]
            raise Busy(f"nothing new is taken at this gateway: {what}", hint=HINT, wait_ms=SHED_WAIT_MS)

    @property
    def _window(self) -> int:
        return max(1, self._window_milli // 1_000)

    def _has_place(self, client: str) -> bool:
        if self._inside >= self._window or self._clock.running_seconds() < self._paused_until:
            return False
        if client.startswith(ASKERS) and self._asking >= places_of_askers(self._window):
            return False
        return self._held[_address(client)] < places_of_one(self._window)

    def _pause(self, worked_seconds: float) -> None:
        seconds = pause_ms(self._window_milli, int(1_000 * worked_seconds), self._window_policy) / 1_000
        if seconds:
            self._paused_until = self._clock.running_seconds() + seconds
            asyncio.get_running_loop().call_later(seconds, self._fill)

    async def _enter(self, client: str) -> None:
        if not self._line:
            self._empty_at = self._clock.running_seconds()
        if not self._line.of(client) and not self._next_client() and self._has_place(client):
            self._count_in(client)
            return
        standing_ms = int(1_000 * (self._clock.running_seconds() - self._empty_at))
        own = self._line.of(client)
        if not may_wait(
            own,
            self._line.clients_with(client),
            standing_ms=standing_ms,
            let_in_per_second=sum(self._let_in),
            policy=self._line_policy,
        ):
            raise await self._busy(_address(client))
        await self._wait(client, patience_ms(own, standing_ms=standing_ms, policy=self._line_policy) / 1_000)

    async def _wait(self, client: str, patience_seconds: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.join(client, turn)
        try:
            async with asyncio.timeout(patience_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                if isinstance(error, TimeoutError):
                    return  # its turn came at the last moment
                self._count_out(client)
                self._fill()
            else:
                self._line.leave(client, turn)
            if isinstance(error, TimeoutError):
                raise await self._busy(_address(client)) from None
            raise

    def _fill(self) -> None:
        while client := self._next_client():
            turn = self._line.next(client)
            if not turn.done():  # else it was cancelled just now
                self._count_in(client)
                turn.set_result(None)
        if not self._line:
            self._empty_at = self._clock.running_seconds()

    def _next_client(self) -> str:
        """Return whose turn it is of those whose share of the window has room; empty: nobody's."""
        if not self._line or self._inside >= self._window:
            return ""
        return next((client for client in self._line.clients() if self._has_place(client)), "")

    def _count_in(self, client: str) -> None:
        self._inside += 1
        self._asking += client.startswith(ASKERS)
        self._held[_address(client)] += 1
        self._let_in[-1] += 1

    def _count_out(self, client: str) -> None:
        self._inside -= 1
        self._asking -= client.startswith(ASKERS)
        self._held[_address(client)] -= 1
        if not self._held[_address(client)]:
            del self._held[_address(client)]

    async def _busy(self, client: Address) -> Busy:
        """Return what a client is told, when it is time to tell it."""
        self._refused[-1] += 1
        self._refused_in_all += 1
        ms = come_again_ms(
            refused_per_second=sum(self._refused), let_in_per_second=sum(self._let_in), policy=self._line_policy
        )
        kept_ms = kept_back_ms(ms, told=self._told[client], kept_back=self._kept_back, policy=self._line_policy)
        self._told[client] += 1
        if kept_ms:
            self._kept_back += 1
            try:
                await self._clock.sleep(kept_ms / 1_000)
            finally:
                self._kept_back -= 1
            ms -= kept_ms
        return Busy(f"the gateway is busy; try again in {ms / 1_000:.1f} s", hint=HINT, wait_ms=ms)

    def _say(self, part: Part | None, pressure: int) -> None:
        refusing = any(self._refused)
        if refusing != self._is_refusing:
            self._is_refusing = refusing
            event = "too_much_refused" if refusing else "all_let_in"
            log.info(
                event,
                window_milli=self._window_milli,
                late=part,
                pressure_permille=pressure,
                refused=self._refused_in_all,
            )
            if not refusing:
                self._refused_in_all = 0


def _address(client: str) -> Address:
    return Address(client.removeprefix(ASKERS))


HINT = "nothing was stored or charged; the same idempotency key stays good"
