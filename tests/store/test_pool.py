"""Shares of connections: what is more urgent never waits for the rest, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.turns import Urgency
from proofgrid.store.database import Database
from proofgrid.store.pool import ConnectionPool, shares_of
from proofgrid.store.transactions import Transaction

SIZE = 6


class Opened:
    """A driver's connection as far as a pool knows it."""

    def __init__(self) -> None:
        self.ended = False
        self.left_open = False
        self.asked: Callable[[], None] = lambda: None
        self.answers: dict[str, str] = {}
        self.answers_late = 0  #: by how many questions

    def is_closed(self) -> bool:
        return self.ended

    def is_in_transaction(self) -> bool:
        return self.left_open

    def terminate(self) -> None:
        self.ended = True

    async def close(self, *, timeout: float | None = None) -> None:
        self.ended = True

    async def execute(self, statement: str) -> str:
        self.asked()
        return self.answers.get(statement, statement.split()[0])

    async def fetchval(self, _query: str, number: int) -> int:
        self.asked()
        return number + self.answers_late


class Server:
    """Where connections are opened."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.away = False

    async def connect(self) -> asyncpg.Connection:
        if self.away:
            raise ConnectionRefusedError
        self.opened.append(Opened())
        opened = self.opened[-1]
        await asyncio.sleep(0)
        return opened


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[ConnectionPool]:
    pool = ConnectionPool(server.connect, SIZE)
    await pool.open()
    yield pool


async def turns_pass() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_shares_leave_something_to_the_more_urgent_and_one_to_each() -> None:
    for size in range(3, 40):
        shares = shares_of(size)
        assert shares[Urgency.ROUNDS] < size
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        assert min(shares.values()) >= 1
    assert shares_of(10) == {
        Urgency.ROUNDS: 9,
        Urgency.ADMISSION: 8,
        Urgency.SEALING: 6,
        Urgency.READING: 5,
        Urgency.BUILDING: 5,
        Urgency.BACKGROUND: 2,
    }


async def test_floods_of_each_urgency_leave_a_connection_for_every_more_urgent_one(pool: ConnectionPool) -> None:
    floods = [asyncio.ensure_future(pool.acquire(urgency)) for urgency in reversed(Urgency) for _ in range(2 * SIZE)]
    await turns_pass()
    money = [call for call in floods[-2 * SIZE :] if call.done()]
    rest = [call for call in floods[: -2 * SIZE] if call.done()]

    assert len(money) >= 1
    assert len(money) + len(rest) == SIZE
    assert set(pool.waiting_seconds()) == set(Urgency)
    for call in floods:
        call.cancel()


async def test_the_background_waits_while_the_process_is_late_and_nothing_else_does(pool: ConnectionPool) -> None:
    lateness = 1.0
    pool.late = lambda: lateness
    background = asyncio.ensure_future(pool.acquire(Urgency.BACKGROUND))
    others = [await pool.acquire(urgency) for urgency in (Urgency.MONEY, Urgency.SEALING)]
    await turns_pass()
    assert len(others) == 2 and not background.done()
    lateness = 0.0
    await background


async def test_the_background_waits_for_a_late_process_no_longer_than_it_has_patience(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofgrid.store.pool.PATIENCE_SECONDS", 0.0)
    pool.late = lambda: 1.0
    await pool.acquire(Urgency.BACKGROUND)


async def test_who_waits_for_a_late_process_learns_that_the_connections_are_closed(pool: ConnectionPool) -> None:
    pool.late = lambda: 1.0
    background = asyncio.ensure_future(pool.acquire(Urgency.BACKGROUND))
    await turns_pass()
    await pool.close()
    with pytest.raises(asyncpg.InterfaceError):
        await background


async def test_a_connection_that_comes_back_goes_to_the_most_urgent(pool: ConnectionPool) -> None:
    held = [(await pool.acquire(Urgency.MONEY), Urgency.MONEY) for _ in range(SIZE)]
    order: list[Urgency] = []

    async def use(urgency: Urgency) -> None:
        connection = await pool.acquire(urgency)
        order.append(urgency)
        await asyncio.sleep(0)
        pool.release(connection, urgency, is_finished=True)

    waiting = [asyncio.ensure_future(use(urgency)) for urgency in reversed(Urgency)]
    await turns_pass()
    for connection, urgency in held:  # one by one: each has come back before the next
        pool.release(connection, urgency, is_finished=True)
        await turns_pass()
    await asyncio.gather(*waiting)

    assert order == list(Urgency)
    assert pool.waiting_seconds() == {}


async def test_who_is_cancelled_while_it_waits_or_just_when_it_is_served_loses_no_connection(
    pool: ConnectionPool,
) -> None:
    held = [await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]
    waits, served, other = (asyncio.ensure_future(pool.acquire(Urgency.MONEY)) for _ in range(3))
    await turns_pass()
    waits.cancel()
    await turns_pass()
    pool.release(held.pop(), Urgency.MONEY, is_finished=True)  # it is served's turn now, which has not heard of it
    served.cancel()
    await turns_pass()

    assert waits.cancelled()
    assert served.cancelled()
    held.append(await other)
    assert len(held) == SIZE


async def test_lost_connections_are_opened_anew_and_a_server_that_is_away_costs_no_place(
    pool: ConnectionPool, server: Server
) -> None:
    for connection in server.opened:
        connection.terminate()
    server.away = True
    for _ in range(2 * SIZE):
        with pytest.raises(ConnectionRefusedError):
            await pool.acquire(Urgency.MONEY)
    server.away = False

    held = [await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]

    assert not any(connection.is_closed() for connection in held)
    assert len(server.opened) == 2 * SIZE


async def test_a_pool_that_cannot_be_opened_whole_leaves_nothing_open(server: Server) -> None:
    async def connect() -> asyncpg.Connection:
        await asyncio.sleep(0)
        server.away = len(server.opened) == SIZE - 1
        return await server.connect()

    with pytest.raises(ConnectionRefusedError):
        await ConnectionPool(connect, SIZE + 2).open()

    assert server.opened
    assert all(connection.ended for connection in server.opened)


async def test_a_connection_left_inside_a_transaction_is_ended(pool: ConnectionPool, server: Server) -> None:
    connection = await pool.acquire(Urgency.MONEY)
    opened = next(one for one in server.opened if one is connection)
    opened.left_open = True
    pool.release(connection, Urgency.MONEY, is_finished=True)

    assert opened.ended
    assert len([await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]) == SIZE


async def test_one_on_which_something_may_still_run_is_asked_before_others_get_it(
    pool: ConnectionPool, server: Server
) -> None:
    held = [await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]
    asked: list[str] = []
    unsure = next(one for one in server.opened if one is held[0])
    unsure.asked = lambda: asked.append("asked")
    waiting = asyncio.ensure_future(pool.acquire(Urgency.MONEY))
    await turns_pass()
    pool.release(held[0], Urgency.MONEY, is_finished=False)

    assert not asked
    assert await waiting is held[0]
    assert asked == ["asked"]


def _breaks() -> None:
    raise AttributeError("'NoneType' object has no attribute 'decode'")


@pytest.mark.parametrize(("asked", "late"), [(_breaks, 0), (lambda: None, -1)], ids=["fails as Python", "late answer"])
async def test_one_that_the_driver_lost_count_of_is_ended_and_its_place_is_free(
    pool: ConnectionPool, server: Server, asked: Callable[[], None], late: int
) -> None:
    held = [await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]
    confused = next(one for one in server.opened if one is held[0])
    confused.asked, confused.answers_late = asked, late
    waiting = asyncio.ensure_future(pool.acquire(Urgency.MONEY))
    await turns_pass()
    pool.release(held[0], Urgency.MONEY, is_finished=False)

    assert await waiting is not held[0]
    assert confused.ended


async def test_a_rollback_that_is_answered_by_something_else_ends_the_connection(
    pool: ConnectionPool, server: Server
) -> None:
    database = Database("", pool)
    for one in server.opened:
        one.answers["ROLLBACK"] = "SELECT 1"

    with pytest.raises(ZeroDivisionError):
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            used = connection.raw
            raise ZeroDivisionError
    assert used.is_closed()


async def test_whatever_a_rollback_meets_the_caller_hears_of_its_own_error(
    pool: ConnectionPool, server: Server
) -> None:
    database = Database("", pool)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            used = connection.raw
            next(one for one in server.opened if one is used).asked = _breaks
            raise ZeroDivisionError
    assert used.is_closed()


async def test_closing_waits_for_those_in_use_and_refuses_the_rest(pool: ConnectionPool, server: Server) -> None:
    held = [await pool.acquire(Urgency.MONEY) for _ in range(SIZE)]
    waiting = asyncio.ensure_future(pool.acquire(Urgency.MONEY))
    await turns_pass()
    closing = asyncio.ensure_future(pool.close())
    await turns_pass()
    with pytest.raises(asyncpg.InterfaceError):
        await waiting
    with pytest.raises(asyncpg.InterfaceError):
        await pool.acquire(Urgency.MONEY)
    assert not closing.done()
    for connection in held:
        pool.release(connection, Urgency.MONEY, is_finished=True)
    await closing

    assert all(connection.ended for connection in server.opened)


# --- against a real server ---------------------------------------------------------------------------


async def test_reading_that_takes_all_it_may_does_not_delay_a_payment(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=3)
    assert Transaction.PAY_PROOFS.urgency is Urgency.MONEY
    done = asyncio.Event()
    reading = asyncio.Event()

    async def read() -> None:
        async with database.connection():
            reading.set()
            await done.wait()

    flood = [asyncio.ensure_future(read()) for _ in range(10)]
    await reading.wait()
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(database.transaction(Transaction.PAY_PROOFS))

    assert not any(call.done() for call in flood)
    assert min(database.waiting_seconds().values()) > 0
    done.set()
    await asyncio.gather(*flood)
    assert database.waiting_seconds() == {}
    await database.close()


async def test_a_read_that_was_cancelled_leaves_a_connection_that_works(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=1)

    async def sleep() -> None:
        async with database.connection() as connection:
            started.set()
            await connection.raw.execute("SELECT pg_sleep(60)")

    started = asyncio.Event()
    sleeping = asyncio.ensure_future(sleep())
    await started.wait()
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT 1") == 1
    await database.close()


async def test_a_connection_that_was_given_back_is_nobodys(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=1)
    async with database.connection() as connection:
        pass

    assert connection.is_closed()
    with pytest.raises(asyncpg.InterfaceError, match="given back"):
        await connection.raw.execute("SELECT 1")
    await database.close()


async def test_a_failed_statement_that_somebody_overlooked_is_no_commit(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=1)
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            await connection.raw.execute("CREATE TABLE a (x int)")
            with pytest.raises(asyncpg.UndefinedTableError):
                await connection.raw.execute("SELECT FROM nowhere")

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT to_regclass('a')") is None
    await database.close()


async def test_a_closed_database_is_away(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=1)
    await database.close()

    with pytest.raises(Unavailable):
        async with database.connection():
            pass


def test_every_transaction_has_its_urgency() -> None:
    assert {name: name.urgency for name in Transaction}.keys() == set(Transaction)
