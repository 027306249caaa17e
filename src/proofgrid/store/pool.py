"""The connections of a process, in shares by urgency: who is next says `primitives/turns.py`.

acquire --a place of its share is free, or its turn comes--> a live connection --release--> the next one's
                                                              `--perhaps unfinished--> looked at first
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import asyncpg

from proofgrid.primitives.turns import Shares, Turns, Urgency
from proofgrid.telemetry.metrics.of_gateway import POOL_WAITS

LATE_SECONDS = 0.05  #: what is nobody's hurry waits while its process is as late as this,
PATIENCE_SECONDS = 5.0  #: but no longer for one connection
_LOOK_SECONDS = 0.05
RELEASE_SECONDS = 2.0  #: a connection on which something may still run is waited for so long, then ended

#: Of a hundred connections, how many are kept for what is more urgent.
_KEPT_PERCENT = {
    Urgency.ROUNDS: 10,
    Urgency.ADMISSION: 20,
    Urgency.SEALING: 40,
    Urgency.READING: 50,
    Urgency.BUILDING: 50,
    Urgency.BACKGROUND: 80,
}


def shares_of(size: int) -> Shares:
    """Return how many of `size` connections each urgency may hold, with all that is less urgent: at least one."""
    return {urgency: max(1, size - -(-size * percent // 100)) for urgency, percent in _KEPT_PERCENT.items()}


class ConnectionPool:
    """At most `size` connections, opened by `connect`. What was lost is opened anew when it is needed.

    `late`: how late this process comes, in seconds, once somebody measures it. While it is late the background gets no
    connection, for each of which it waits a while: so work in many pieces stands still between two of them.
    """

    def __init__(self, connect: Callable[[], Coroutine[object, object, asyncpg.Connection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._turns: Turns[asyncio.Future[None]] = Turns(size, shares_of(size))
        self._idle: list[asyncpg.Connection] = []  #: used last comes last
        self._held = 0
        self._looking: set[asyncio.Future[None]] = set()
        self._looks = 0
        self._all_back = asyncio.Event()
        self._closing = False
        self.late: Callable[[], float] = _never_late

    async def open(self) -> None:
        """Open all connections: who opens one in the middle of a call waits for it. Raises what connecting raises."""
        self._idle.append(await self._connect())
        opening = [asyncio.ensure_future(self._connect()) for _ in range(self._size - 1)]
        try:
            self._idle += await asyncio.gather(*opening)
        except BaseException:
            opened = await asyncio.gather(*opening, return_exceptions=True)
            for connection in [*self._idle, *opened]:
                if not isinstance(connection, BaseException):
                    connection.terminate()
            raise

    async def acquire(self, urgency: Urgency) -> asyncpg.Connection:
        """Return a live connection, for `release`. Raises what connecting raises."""
        if urgency is Urgency.BACKGROUND:
            await self._give_way()
        if self._closing:
            raise asyncpg.InterfaceError("the connections are being closed")
        if not self._turns.take(urgency):
            await self._wait(urgency)
        self._held += 1
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        try:
            return await self._connect()
        except BaseException:
            self._give_back(urgency)
            raise

    def release(self, connection: asyncpg.Connection, urgency: Urgency, *, is_finished: bool) -> None:
        """Take a connection back. One on which something may still run is looked at before others get it."""
        if is_finished or connection.is_closed():
            self._put(connection, urgency)
            return
        looking = asyncio.ensure_future(self._look(connection, urgency))
        self._looking.add(looking)
        looking.add_done_callback(self._looking.discard)

    def waiting_seconds(self) -> dict[Urgency, float]:
        """Return how long the oldest of each urgency has waited for a connection, where any does."""
        return self._turns.waiting_seconds(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        self._closing = True
        for waiting in self._turns.everybody():
            waiting.item.cancel()
        while self._held:
            self._all_back.clear()
            await self._all_back.wait()
        while self._idle:
            await _closed(self._idle.pop())

    async def _give_way(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        # Lateness is measured, not told.
        while not self._closing and self.late() >= LATE_SECONDS and loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)

    async def _wait(self, urgency: Urgency) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        waiting = self._turns.wait(turn, urgency, "", loop.time())
        try:
            await turn
        except asyncio.CancelledError:
            if not self._turns.withdraw(waiting):
                self._turns.give_back(urgency)
                self._serve()
            if self._closing and turn.cancelled() and not _is_being_cancelled():
                raise asyncpg.InterfaceError("the connections are being closed") from None
            raise
        POOL_WAITS.observe(loop.time() - waiting.since_seconds, urgency.name.lower())

    def _put(self, connection: asyncpg.Connection, urgency: Urgency) -> None:
        try:
            if not connection.is_closed():
                if connection.is_in_transaction():
                    connection.terminate()
                else:
                    self._idle.append(connection)
        finally:
            self._give_back(urgency)

    def _give_back(self, urgency: Urgency) -> None:
        self._held -= 1
        self._turns.give_back(urgency)
        self._serve()
        if not self._held:
            self._all_back.set()

    def _serve(self) -> None:
        while (waiting := self._turns.next()) is not None:
            if waiting.item.done():  # cancelled a moment ago: it gives its turn back when it hears of it
                continue
            waiting.item.set_result(None)

    async def _look(self, connection: asyncpg.Connection, urgency: Urgency) -> None:
        """Whatever was asked and not waited for ends before the next answer, or the connection does.

        An interruption at a bad moment leaves the driver an answer behind: it fails in any way, or takes the answer to
        what was asked before. So the answer has to be this question's.
        """
        self._looks += 1
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                answer = await connection.fetchval("SELECT $1::bigint", self._looks)
            if answer != self._looks:
                connection.terminate()
        except BaseException as error:
            connection.terminate()
            if not isinstance(error, Exception):
                raise
        finally:
            self._put(connection, urgency)


def _never_late() -> float:
    return 0.0


async def _closed(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=RELEASE_SECONDS)
    except Exception:  # of the driver's own as well, of a connection that it lost
        connection.terminate()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
