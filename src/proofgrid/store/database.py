"""The one database: a pool of asyncpg connections in shares by urgency, with named transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

from proofgrid.primitives.errors import InvalidField, Unavailable
from proofgrid.primitives.turns import Urgency
from proofgrid.store.audit import note_act
from proofgrid.store.connection import Connection, is_closed
from proofgrid.store.jsonb import read_jsonb, write_jsonb
from proofgrid.store.pool import RELEASE_SECONDS, ConnectionPool
from proofgrid.store.queries import Query
from proofgrid.store.signals import check_administration
from proofgrid.store.transactions import ADMINISTRATION, AUDITED, Transaction
from proofgrid.store.vault import Vault
from proofgrid.store.weather import (
    BACKOFF_MAX_SECONDS,
    BACKOFF_MIN_SECONDS,
    CLOSED,
    CONNECT_TIMEOUT_SECONDS,
    WEATHER,
    WRONG_DSN,
    away,
    loss_named,
    raise_loss,
)
from proofgrid.telemetry.redaction import hide
from proofgrid.telemetry.seam import span

_STATEMENTS_KEPT = 500  #: prepared on each connection; there are fewer queries than that
IDLE_TRANSACTION_MS = 5_000  #: a gateway that says nothing for so long inside a transaction loses it, and its locks
LOCK_SILENT_MS = 2_500  #: nor so long in a round, a hello or a sale ahead: others wait for those
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

Row = TypeVar("Row")

log = structlog.get_logger(__name__)


Boundary = Callable[[str], None]  #: told `<transaction>:before` and `<transaction>:after` every commit


class Database:
    """A pool of connections to PostgreSQL.

    `on_boundary` is for tests that crash a process at a chosen commit (bootstrap/crash_points.py); with it
    PostgreSQL also refuses to write on a connection for reading, so that no write can lack a name.
    """

    def __init__(self, dsn: str, pool: ConnectionPool) -> None:
        self.dsn = dsn
        self.vault = Vault()  #: the store keys of this process: it locks nothing before it is given any
        self.on_boundary: Boundary | None = None
        self._pool = pool

    @classmethod
    async def connect(cls, dsn: str, *, size: int = 10, patience_seconds: float = 30.0) -> Database:
        """Connect, trying again while the server starts; raise Unavailable when `patience_seconds` are over."""
        hide(urlsplit(dsn).password or "")
        return await _patiently(lambda: cls._connect_once(dsn, size), dsn=dsn, patience_seconds=patience_seconds)

    @classmethod
    async def _connect_once(cls, dsn: str, size: int) -> Database:
        pool = ConnectionPool(partial(_connected, dsn, _PLANS | await _bounds(dsn)), size)
        await pool.open()
        return cls(dsn, pool)

    def transaction(self, name: Transaction) -> AbstractAsyncContextManager[Connection]:
        """Yield a connection inside a transaction: committed at the end, rolled back by any error.

        Raises Unavailable when the database is away. If it went away during the commit, nobody knows whether the
        transaction counts: what is done again must be idempotent.
        """
        return _NamedTransaction(self._pool, name, self._reach)

    def snapshot(self, urgency: Urgency = Urgency.READING) -> AbstractAsyncContextManager[Connection]:
        """Yield a connection on which all reads see one moment, and nothing can be written. Raises Unavailable."""
        return _InTransaction(self._pool, urgency, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    async def write(self, name: Transaction, query: Query[Row], /, **named: object) -> list[Row]:
        """Run one statement that is a transaction of its own; return its rows. Raises Unavailable."""
        if name in AUDITED:
            async with self.transaction(name) as connection:
                return await connection.fetch(query, **named)
        self._reach(name, "before")
        with span("transaction", name):
            async with _Use(self._pool, name.urgency) as connection:
                rows = await connection.fetch(query, **named)
        self._reach(name, "after")
        return rows

    def _reach(self, name: Transaction, side: str) -> None:
        if self.on_boundary is not None:
            self.on_boundary(f"{name}:{side}")

    def connection(self, urgency: Urgency = Urgency.READING) -> AbstractAsyncContextManager[Connection]:
        """Yield a connection outside any transaction, for reading. Raises Unavailable."""
        return _Use(self._pool, urgency) if self.on_boundary is None else self._guarded(urgency)

    @asynccontextmanager
    async def _guarded(self, urgency: Urgency) -> AsyncIterator[Connection]:
        async with _Use(self._pool, urgency) as connection:
            raw = connection.raw
            with _interruption_ends(raw):
                await raw.execute("SET default_transaction_read_only = on")
            try:
                yield connection
            finally:
                if not is_closed(raw):
                    with _interruption_ends(raw):
                        await raw.execute("SET default_transaction_read_only = off")

    def background_waits_for(self, late: Callable[[], float]) -> None:
        """Let what is nobody's hurry wait while this process is late: `late` says by how many seconds it is now."""
        self._pool.late = late

    def waiting_seconds(self) -> dict[Urgency, float]:
        """Return how long the oldest of each urgency has waited for a connection, where any does."""
        return self._pool.waiting_seconds()

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
                await connection.close(timeout=RELEASE_SECONDS)

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        await self._pool.close()


class _Use:
    """A connection of the pool, for a while."""

    __slots__ = ("_connection", "_pool", "_urgency")

    def __init__(self, pool: ConnectionPool, urgency: Urgency) -> None:
        self._pool = pool
        self._urgency = urgency

    async def __aenter__(self) -> Connection:
        try:
            raw = await self._pool.acquire(self._urgency)
        except CLOSED as reason:
            raise away(reason) from reason
        self._connection = Connection(raw)
        return self._connection

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._release(error)
        raise_loss(error)

    def _release(self, error: BaseException | None) -> None:
        raw = self._connection.gone()
        # Whoever was interrupted may have left a statement running.
        self._pool.release(raw, self._urgency, is_finished=error is None or isinstance(error, asyncpg.PostgresError))


class _InTransaction(_Use):
    """Commits at the end, rolls back after an error: that is what the caller hears, whatever the rollback meets."""

    __slots__ = ("_begin",)

    def __init__(self, pool: ConnectionPool, urgency: Urgency, begin: str = "BEGIN") -> None:
        super().__init__(pool, urgency)
        self._begin = begin

    async def __aenter__(self) -> Connection:
        connection = await super().__aenter__()
        try:
            await connection.raw.execute(self._begin)
            connection.begun()
        except BaseException as error:
            _end(connection.raw)
            self._release(error)
            raise_loss(error)
            raise
        return connection

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        raw = self._connection.raw
        try:
            if error is not None:
                await _roll_back(raw, error)
            else:
                await self._commit(raw)
        except BaseException as reason:
            # Whatever it is doing, nobody else shall get it.
            _end(raw)
            self._release(reason)
            raise_loss(reason)
            raise
        self._release(None)
        raise_loss(error)

    async def _commit(self, raw: asyncpg.Connection) -> None:
        if await raw.execute("COMMIT") != "COMMIT":
            # A statement failed, and somebody went on as if it had not.
            raise asyncpg.InFailedSQLTransactionError("the transaction had failed before its end")
        self._connection.committed()


class _NamedTransaction(_InTransaction):
    """Counted and timed under its name, which is told before the commit and after it."""

    __slots__ = ("_name", "_reach", "_span")

    def __init__(self, pool: ConnectionPool, name: Transaction, reach: Callable[[Transaction, str], None]) -> None:
        super().__init__(pool, name.urgency)
        self._name = name
        self._reach = reach

    async def __aenter__(self) -> Connection:
        self._span = span("transaction", self._name).__enter__()
        try:
            return await super().__aenter__()
        except BaseException as reason:
            self._span.__exit__(type(reason), reason, reason.__traceback__)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
            if error is None:
                self._reach(self._name, "after")
        except BaseException as reason:
            error = reason
            raise
        finally:
            self._span.__exit__(None, error, None)

    async def _commit(self, raw: asyncpg.Connection) -> None:
        if self._name in AUDITED:
            await note_act(self._connection, self._name)
        if self._name in ADMINISTRATION:
            await check_administration(self._connection)
        self._reach(self._name, "before")
        await super()._commit(raw)


async def _roll_back(raw: asyncpg.Connection, error: BaseException) -> None:
    if isinstance(error, TimeoutError):
        _end(raw)  # or the rollback would wait for an answer as well
    if raw.is_closed():
        return  # the server undoes what was not committed
    try:
        if await raw.execute("ROLLBACK") != "ROLLBACK":
            _end(raw)  # it was the answer to something else
    except Exception:  # of the driver's own as well: an interruption can leave it in pieces
        _end(raw)


def _end(raw: asyncpg.Connection) -> None:
    if not raw.is_closed():
        raw.terminate()


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
    bounds = {
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_MS,
        "proofgrid.lock_silent_ms": LOCK_SILENT_MS,
        "lock_timeout": LOCK_WAIT_MS,
    }
    if version >= TRANSACTION_TIMEOUT_SINCE:
        bounds["transaction_timeout"] = TRANSACTION_MS
    return {name: str(milliseconds) for name, milliseconds in bounds.items()}


async def _connected(dsn: str, settings: dict[str, str]) -> asyncpg.Connection:
    connection = await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_SECONDS,
        statement_cache_size=_STATEMENTS_KEPT,
        max_cached_statement_lifetime=0,
        command_timeout=ANSWER_SECONDS,
        server_settings=settings,
    )
    try:
        await _prepare(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


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
