"""One connection that listens to what PostgreSQL notifies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import structlog

from proofgrid.primitives.errors import Recoverable
from proofgrid.store.weather import BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS, CLOSED, CONNECT_TIMEOUT_SECONDS, WEATHER

_PROBE_SECONDS = 4.0

log = structlog.get_logger(__name__)

Callback = Callable[[str], object]  #: gets the notification's payload, as soon as it is read; must be quick


class Listener:
    """One dedicated connection that LISTENs; run it in a TaskGroup: `group.create_task(listener.run())`.

    Callbacks are called in the order of the notifications; an error in one ends `run`, loudly. When the
    connection is lost `on_lost` is called, so that nobody waits for notifications that cannot come; it is made again,
    and `on_reconnect` is called, because notifications may have been missed.
    """

    def __init__(
        self,
        dsn: str,
        callbacks: Mapping[str, Callback],
        *,
        on_lost: Callable[[], None] | None = None,
        on_reconnect: Callable[[], Awaitable[None]] | None = None,
        heartbeat_seconds: float = 5.0,
    ) -> None:
        self._dsn = dsn
        self._callbacks = dict(callbacks)
        self._on_lost = on_lost
        self._on_reconnect = on_reconnect
        self._heartbeat_seconds = heartbeat_seconds
        self._listening = asyncio.Event()

    async def wait_listening(self) -> None:
        """Return once the channels are listened to: what is notified from then on arrives."""
        await self._listening.wait()

    async def run(self) -> None:
        """Listen until cancelled."""
        connected_before = False
        while True:
            connection, lost = await self._connect_stubbornly()
            try:
                self._listening.set()
                if connected_before and self._on_reconnect is not None:
                    await self._on_reconnect()
                connected_before = True
                await self._until_lost(connection, lost)
            except Recoverable as reason:
                # The database went away again while somebody looked at what had been missed: once more from the start.
                log.warning("listener_interrupted", reason=str(reason))
                await asyncio.sleep(BACKOFF_MIN_SECONDS)
            finally:
                self._listening.clear()
                connection.terminate()
            log.warning("listener_lost")
            if self._on_lost is not None:
                self._on_lost()

    async def _connect_stubbornly(self) -> tuple[asyncpg.Connection, asyncio.Future[None]]:
        delay_seconds = BACKOFF_MIN_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=CONNECT_TIMEOUT_SECONDS)
                return connection, await self._listen(connection)
            except CLOSED as reason:
                log.warning("listener_cannot_connect", reason=type(reason).__name__)
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, BACKOFF_MAX_SECONDS)

    async def _listen(self, connection: asyncpg.Connection) -> asyncio.Future[None]:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def deliver(_connection: asyncpg.Connection, _pid: int, channel: str, payload: str) -> None:
            if lost.done():
                return
            try:
                self._callbacks[channel](payload)
            except Exception as error:
                lost.set_exception(error)

        def end(_connection: asyncpg.Connection) -> None:
            if not lost.done():
                lost.set_result(None)

        connection.add_termination_listener(end)
        for channel in self._callbacks:
            await connection.add_listener(channel, deliver)
        return lost

    async def _until_lost(self, connection: asyncpg.Connection, lost: asyncio.Future[None]) -> None:
        while not lost.done():
            await asyncio.wait({lost}, timeout=self._heartbeat_seconds)
            if not lost.done() and not await _answers(connection):
                return
        lost.result()


async def _answers(connection: asyncpg.Connection) -> bool:
    # A peer that vanished without a word is only found by asking.
    try:
        await connection.execute("SELECT 1", timeout=_PROBE_SECONDS)
    except WEATHER:
        return False
    return True
