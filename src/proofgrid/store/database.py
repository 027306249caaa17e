"""The one database: a pool of asyncpg connections, with named transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.store.connection import Connection, is_closed
from proofgrid.store.jsonb import read_jsonb, write_jsonb
from proofgrid.store.queries import Query
from proofgrid.store.transactions import Transaction
from proofgrid.store.weather import (
    BACKOFF_MAX_SECONDS,
    BACKOFF_MIN_SECONDS,
    CLOSED,
    CONNECT_TIMEOUT_SECONDS,
    WEATHER,
    WRONG_DSN,
    away,
    loss_named,
)
from proofgrid.telemetry.seam import span

_STATEMENTS_KEPT = 500  #: prepared on each connection; there are fewer queries than that
IDLE_TRANSACTION_MS = 5_000  #: a gateway that says nothing for so long inside a transaction loses it, and its locks
LOCK_WAIT_MS = 10_000
TRANSACTION_MS = 60_000  #: whatever a transaction is doing
TRANSACTION_TIMEOUT_SINCE = 17
#: A queue's tables go from empty to full in seconds, and plans made for empty tables stay: every query on a hot path
#: has an index, and is to use it from the first row on. Lists as parameters make a plan of their own look cheaper every
#: time, and planning costs several times what the statement does: one plan is made once.
_PLANS = {"enable_seqscan": "off", "jit": "off", "plan_cache_mode": "force_generic_plan"}
#: A server that does not answer a statement for so long, longer than any lock is waited for, is out of reach: no error
#: tells of packets that are lost on the way.
ANSWER_SECONDS = 12.0
_RELEASE_SECONDS = 2.0

Row = TypeVar("Row")

log = structlog.get_logger(__name__)


Boundary = Callable[[str], None]  #: told `<transaction>:before` and `<transaction>:after` every commit


class Database:
    """A pool of connections to PostgreSQL.

    `on_boundary` is for tests that crash a process at a chosen commit (bootstrap/crash_points.py); with it
    PostgreSQL also refuses to write on a connection for reading, so that no write can lack a name.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        self.dsn = dsn
        self.on_boundary: Boundary | None = None
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, *, size: int = 10, patience_seconds: float = 30.0) -> Database:
        """Connect, trying again while the server starts; raise Unavailable when `patience_seconds` are over."""
        return await _patiently(lambda: cls._connect_once(dsn, size), dsn=dsn, patience_seconds=patience_seconds)

    @classmethod
    async def _connect_once(cls, dsn: str, size: int) -> Database:
        pool = asyncpg.create_pool(
            dsn,
            min_size=size,  # who opens one in the middle of a call waits for it
            max_size=size,
            init=_prepare,
            reset=_nothing_to_reset,
            timeout=CONNECT_TIMEOUT_SECONDS,
            statement_cache_size=_STATEMENTS_KEPT,
            max_cached_statement_lifetime=0,
            command_timeout=ANSWER_SECONDS,
            server_settings=_PLANS | await _bounds(dsn),
        )
        return cls(dsn, await pool)

    @asynccontextmanager
    async def transaction(self, name: Transaction) -> AsyncIterator[Connection]:
        """Yield a connection inside a transaction: committed at the end, rolled back by any error.

        Raises Unavailable when the database is away. If it went away during the commit, nobody knows whether the
        transaction counts: what is done again must be idempotent.
        """
        with span("transaction", name):
            async with self._acquired() as connection:
                async with _in_transaction(connection):
                    yield Connection(connection)
                    self._reach(name, "before")
                self._reach(name, "after")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """Yield a connection on which all reads see one moment, and nothing can be written. Raises Unavailable."""
        async with (
            self._acquired() as connection,
            _in_transaction(connection, isolation="repeatable_read", readonly=True),
        ):
            yield Connection(connection)

    async def write(self, name: Transaction, query: Query[Row], /, **named: object) -> list[Row]:
        """Run one statement that is a transaction of its own; return its rows. Raises Unavailable."""
        self._reach(name, "before")
        with span("transaction", name):
            async with self._acquired() as connection:
                rows = query.values(await connection.fetch(query.text, *query.arguments(named)))
        self._reach(name, "after")
        return rows

    def _reach(self, name: Transaction, side: str) -> None:
        if self.on_boundary is not None:
            self.on_boundary(f"{name}:{side}")

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a connection outside any transaction, for reading. Raises Unavailable."""
        async with self._acquired() as connection:
            if self.on_boundary is None:
                yield Connection(connection)
                return
            with _interruption_ends(connection):
                await connection.execute("SET default_transaction_read_only = on")
            try:
                yield Connection(connection)
            finally:
                if not is_closed(connection):
                    with _interruption_ends(connection):
                        await connection.execute("SET default_transaction_read_only = off")

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[asyncpg.Connection]:
        try:
            connection = await self._pool.acquire()
        except CLOSED as reason:
            raise away(reason) from reason
        try:
            with loss_named():
                yield connection
        finally:
            with suppress(*WEATHER):  # a dead connection cannot be cleaned; the pool makes a new one
                await self._pool.release(connection, timeout=_RELEASE_SECONDS)

    @asynccontextmanager
    async def unhurried_connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection of its own without time bounds, for migrations: they take as long as they take."""
        try:
            connection = await asyncpg.connect(self.dsn, timeout=CONNECT_TIMEOUT_SECONDS)
        except WEATHER as reason:
            raise away(reason) from reason
        try:
            with loss_named():
                yield connection
        finally:
            with suppress(*WEATHER):
                await connection.close(timeout=_RELEASE_SECONDS)

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        await self._pool.close()


@asynccontextmanager
async def _in_transaction(connection: asyncpg.Connection, **options: object) -> AsyncIterator[None]:
    """Commit at the end, roll back after an error; that error is what the caller hears, whatever the rollback meets.

    asyncpg's own context complains of a rollback on a closed connection instead, even to somebody who was cancelled.
    """
    transaction = connection.transaction(**options)
    await transaction.start()
    try:
        yield
    except BaseException as error:
        await _roll_back(connection, transaction, error)
        raise
    try:
        await transaction.commit()
    except TimeoutError:
        _end(connection)  # whatever it is doing, nobody else shall get it
        raise


async def _roll_back(
    connection: asyncpg.Connection, transaction: asyncpg.transaction.Transaction, error: BaseException
) -> None:
    if isinstance(error, TimeoutError):
        _end(connection)  # or the rollback would wait for an answer as well
    if is_closed(connection):
        return  # the server undoes what was not committed
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, *WEATHER):
        _end(connection)


def _end(connection: asyncpg.Connection) -> None:
    if not is_closed(connection):
        connection.terminate()


@contextmanager
def _interruption_ends(connection: asyncpg.Connection) -> Iterator[None]:
    """A setting that may or may not have been made must not go back into the pool."""
    try:
        yield
    except BaseException:
        _end(connection)
        raise


async def _bounds(dsn: str) -> dict[str, str]:
    """What PostgreSQL does about a gateway that is paused or cut off in the middle of a transaction: undo it."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS)
    try:
        version = connection.get_server_version().major
    finally:
        await connection.close()
    bounds = {"idle_in_transaction_session_timeout": IDLE_TRANSACTION_MS, "lock_timeout": LOCK_WAIT_MS}
    if version >= TRANSACTION_TIMEOUT_SINCE:
        bounds["transaction_timeout"] = TRANSACTION_MS
    return {name: str(milliseconds) for name, milliseconds in bounds.items()}


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Save a round trip per use: nobody leaves cursors, channels or settings of a session behind."""


async def _prepare(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(kind, encoder=write_jsonb, decoder=read_jsonb, schema="pg_catalog")
    # asyncpg looks up the types of arrays on each connection's first use of them, which takes several round trips.
    await connection.prepare("SELECT $1::jsonb[], $2::bytea[], $3::uuid[], $4::text[], $5::bigint[], $6::int[]")


async def _patiently(attempt: Callable[[], Awaitable[Database]], *, dsn: str, patience_seconds: float) -> Database:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + patience_seconds
    delay_seconds = BACKOFF_MIN_SECONDS
    while True:
        try:
            return await attempt()
        except (*WRONG_DSN, ValueError) as reason:
            raise InvalidField(f"the database refuses the connection: {reason}", field="dsn") from reason
        except CLOSED as reason:
            if loop.time() + delay_seconds > give_up_at:
                where = _without_password(dsn)
                raise Unavailable(
                    f"the database at {where} cannot be reached: {reason or type(reason).__name__}"
                ) from reason
        await asyncio.sleep(delay_seconds)
        delay_seconds = min(2 * delay_seconds, BACKOFF_MAX_SECONDS)


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    query = "&".join(item for item in parts.query.split("&") if item.startswith(("host=", "port=")))
    return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}{'?' + query if query else ''}"
