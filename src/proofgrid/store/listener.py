"""One connection that listens to what PostgreSQL notifies."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import structlog

from proofgrid.primitives.errors import Recoverable
from proofgrid.store.weather import BACKOFF_MAX_SECONDS, BACKOFF_MIN_SECONDS, CLOSED, CONNECT_TIMEOUT_SECONDS, WEATHER

_PROBE_SECONDS = 4.0

log = structlog.get_logger(__name__)

Callback = Callable[[str], Awaitable[None] | None]  #: gets the notification's payload

_Inbox = asyncio.Queue[tuple[str, str] | None]  #: (channel, payload), or None when the connection is lost


class Listener:
    """One dedicated connection that LISTENs; run it in a TaskGroup: `group.create_task(listener.run())`.

    Callbacks run one after another in the order of the notifications; an error in one ends `run`, loudly. When the
    connection is lost `on_lost` is called, so that nobody waits for notifications that cannot come; it is made again,
    and `on_reconnect` is called, because notifications may have been missed.
    """

    def __init__(
        self,
        dsn: str,
        callbacks: Mapping[str, Callback],
        *,
        on_lost: Callable[[], None] | None = None,
        on_reconnect: Callable[[], Awaitable[None] | None] | None = None,
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
            connection, queue = await self._connect_stubbornly()
            try:
                self._listening.set()
                if connected_before and self._on_reconnect is not None:
                    await _call(self._on_reconnect())
                connected_before = True
                await self._deliver_until_lost(connection, queue)
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

    async def _connect_stubbornly(self) -> tuple[asyncpg.Connection, _Inbox]:
        delay_seconds = BACKOFF_MIN_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=CONNECT_TIMEOUT_SECONDS)
                return connection, await self._listen(connection)
            except CLOSED as reason:
                log.warning("listener_cannot_connect", reason=type(reason).__name__)
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, BACKOFF_MAX_SECONDS)

    async def _listen(self, connection: asyncpg.Connection) -> _Inbox:
        inbox: _Inbox = asyncio.Queue()

        def deliver(_connection: asyncpg.Connection, _pid: int, channel: str, payload: str) -> None:
            inbox.put_nowait((channel, payload))

        def end(_connection: asyncpg.Connection) -> None:
            inbox.put_nowait(None)

        connection.add_termination_listener(end)
        for channel in self._callbacks:
            await connection.add_listener(channel, deliver)
        return inbox

    async def _deliver_until_lost(self, connection: asyncpg.Connection, inbox: _Inbox) -> None:
        while True:
            try:
                async with asyncio.timeout(self._heartbeat_seconds):
                    item = await inbox.get()
            except TimeoutError:
                if await _answers(connection):
                    continue
                return
            if item is None:
                return
            channel, payload = item
            await _call(self._callbacks[channel](payload))


async def _answers(connection: asyncpg.Connection) -> bool:
    # A peer that vanished without a word is only found by asking.
    try:
        await connection.execute("SELECT 1", timeout=_PROBE_SECONDS)
    except WEATHER:
        return False
    return True


async def _call(outcome: Awaitable[None] | None) -> None:
    if inspect.isawaitable(outcome):
        await outcome
