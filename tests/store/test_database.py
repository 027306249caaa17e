"""The pool and the listener, against a real server that is taken away."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from proofgrid.primitives.errors import InvalidField, LeaseLost, Unavailable
from proofgrid.store import database as database_module
from proofgrid.store.database import Database
from proofgrid.store.embedded import EmbeddedPostgres
from proofgrid.store.firm_quotes import TAKE_TURN_OF_QUOTES
from proofgrid.store.listener import Listener
from proofgrid.store.queries import Query
from proofgrid.store.rounds import OPEN_STACK
from proofgrid.store.sessions import CHANGE_SESSION
from proofgrid.store.transactions import Transaction

CHANNELS = ("jobs", "tasks")


async def notify(dsn: str, channel: str, payload: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_notify($1, $2)", channel, payload)
    finally:
        await connection.close()


async def cut_all_connections(server: EmbeddedPostgres, dsn: str) -> None:
    connection = await asyncpg.connect(server.dsn)
    name = dsn.split("?")[0].rsplit("/", 1)[1]
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()


async def test_json_and_ids_come_back_as_python_values(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=2)
    an_id = UUID("0198c0de-0000-7000-8000-000000000000")

    async with database.transaction(Transaction.PAY_PROOFS) as connection:
        row = await connection.raw.fetchrow("SELECT $1::jsonb AS data, $2::uuid AS id", {"a": [1, None]}, an_id)

    assert row["data"] == {"a": [1, None]}
    assert row["id"] == an_id
    await database.close()


async def test_a_transaction_that_fails_leaves_nothing(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=2)
    async with database.transaction(Transaction.PAY_PROOFS) as connection:
        await connection.raw.execute("CREATE TABLE a (x int)")

    with pytest.raises(RuntimeError):
        async with database.transaction(Transaction.PAY_PROOFS) as connection:
            await connection.raw.execute("INSERT INTO a VALUES (1)")
            raise RuntimeError

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT count(*) FROM a") == 0
    await database.close()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable) as caught:
        await Database.connect("postgresql://me:hunter2@127.0.0.1:1/proofgrid", size=1, patience_seconds=0)

    assert "127.0.0.1:1/proofgrid" in caught.value.detail
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_an_error_at_once(embedded_postgres: EmbeddedPostgres) -> None:
    with pytest.raises(InvalidField, match="nowhere"):
        await Database.connect(embedded_postgres.dsn_of("nowhere"), size=1)


async def test_a_pool_survives_the_loss_of_its_connections(
    empty_database_dsn: str, embedded_postgres: EmbeddedPostgres
) -> None:
    database = await Database.connect(empty_database_dsn, size=2)
    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT 1") == 1

    await cut_all_connections(embedded_postgres, empty_database_dsn)
    await asyncio.sleep(0)

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT 2") == 2
    await database.close()


async def test_a_transaction_whose_connection_is_ended_says_what_ended_it(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=2)

    with pytest.raises(Unavailable) as caught:
        async with database.transaction(Transaction.PAY_PROOFS) as connection:
            await connection.raw.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert isinstance(caught.value.__cause__, asyncpg.PostgresConnectionError)
    assert "terminating connection" in caught.value.detail
    assert connection.is_closed()
    await database.close()


@pytest.mark.parametrize("kind", ["transaction", "snapshot"])
async def test_a_transaction_that_is_not_answered_is_undone_and_says_so(
    empty_database_dsn: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(database_module, "ANSWER_SECONDS", 0.2)
    database = await Database.connect(empty_database_dsn, size=1)

    with pytest.raises(Unavailable) as caught:
        async with database.snapshot() if kind == "snapshot" else database.transaction(Transaction.PAY_PROOFS) as taken:
            await taken.raw.execute("SELECT pg_sleep(60)")

    assert isinstance(caught.value.__cause__, TimeoutError)
    assert caught.value.detail == "the database is away: TimeoutError: no answer in time"
    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT 1") == 1
    await database.close()


LOCKING: dict[str, tuple[Query[Any], dict[str, Any]]] = {
    "a round": (OPEN_STACK, {"stack": "default/toy", "leader": UUID(int=1)}),
    "a hello": (CHANGE_SESSION, {"prover_id": "alice"}),
    "a sale ahead": (TAKE_TURN_OF_QUOTES, {"stacks": ["default/toy"]}),
}


@pytest.mark.parametrize("locking", LOCKING)
async def test_a_gateway_that_is_silent_where_others_wait_for_it_is_not_waited_for(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, locking: str
) -> None:
    query, named = LOCKING[locking]
    monkeypatch.setattr(database_module, "LOCK_SILENT_MS", 50)  # and all other bounds are a minute here
    database = await Database.connect(database_dsn, size=2)
    undone = asyncio.Event()

    with pytest.raises(Unavailable, match="the database is away"):
        async with database.transaction(Transaction.HOLD_ROUND) as silent:
            await silent.fetch(query, **named)
            silent.raw.add_termination_listener(lambda _: undone.set())
            await undone.wait()

    async with database.transaction(Transaction.HOLD_ROUND) as other:
        await other.fetch(query, **named)
    await database.close()


async def test_of_two_transactions_in_each_other_s_way_one_is_undone_and_says_so(empty_database_dsn: str) -> None:
    database = await Database.connect(empty_database_dsn, size=2)
    async with database.connection() as connection:
        await connection.raw.execute("CREATE TABLE pairs (side int PRIMARY KEY)")
        await connection.raw.execute("INSERT INTO pairs VALUES (1), (2)")
    met = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with database.transaction(Transaction.PAY_PROOFS) as taken:
            await taken.raw.execute("SELECT FROM pairs WHERE side = $1 FOR UPDATE", first)
            await met.wait()
            await taken.raw.execute("SELECT FROM pairs WHERE side = $1 FOR UPDATE", second)

    done = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)

    (error,) = [one for one in done if one is not None]
    assert isinstance(error, Unavailable)
    assert error.detail.startswith("the database undid the transaction: DeadlockDetectedError")
    await database.close()


@pytest.mark.parametrize("error", [LeaseLost(), asyncio.CancelledError()], ids=lambda error: type(error).__name__)
async def test_an_error_of_the_caller_s_own_is_not_hidden_by_a_lost_connection(
    empty_database_dsn: str, error: BaseException
) -> None:
    database = await Database.connect(empty_database_dsn, size=1)

    with pytest.raises(type(error)):
        async with database.transaction(Transaction.PAY_PROOFS) as connection:
            connection.raw.terminate()
            raise error

    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT 1") == 1
    await database.close()


async def test_notifications_arrive_in_order_on_their_channel(empty_database_dsn: str) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    listener = Listener(
        empty_database_dsn,
        {channel: partial(lambda name, payload: heard.put_nowait((name, payload)), channel) for channel in CHANNELS},
    )
    running = asyncio.ensure_future(listener.run())
    await listener.wait_listening()
    for channel, payload in (("jobs", "1"), ("tasks", "2"), ("jobs", "3"), ("other", "4"), ("jobs", "5")):
        await notify(empty_database_dsn, channel, payload)

    assert [await heard.get() for _ in range(4)] == [("jobs", "1"), ("tasks", "2"), ("jobs", "3"), ("jobs", "5")]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_listener_that_lost_its_connection_comes_back_and_says_so(
    empty_database_dsn: str, embedded_postgres: EmbeddedPostgres
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = Listener(empty_database_dsn, {"jobs": heard.put_nowait}, on_reconnect=lambda: heard.put("reconnected"))
    running = asyncio.ensure_future(listener.run())
    await listener.wait_listening()
    await notify(empty_database_dsn, "jobs", "before")
    assert await heard.get() == "before"

    await cut_all_connections(embedded_postgres, empty_database_dsn)

    assert await heard.get() == "reconnected"
    await notify(empty_database_dsn, "jobs", "after")
    assert await heard.get() == "after"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_an_error_in_a_callback_ends_the_listener_loudly(empty_database_dsn: str) -> None:
    def fail(payload: str) -> None:
        raise OSError(payload)

    listener = Listener(empty_database_dsn, {"jobs": fail})
    running = asyncio.ensure_future(listener.run())
    await listener.wait_listening()
    await notify(empty_database_dsn, "jobs", "boom")

    with pytest.raises(OSError, match="boom"):
        await running


async def test_a_quiet_listener_asks_whether_the_server_is_still_there(empty_database_dsn: str) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = Listener(empty_database_dsn, {"jobs": heard.put_nowait}, heartbeat_seconds=0.02)
    running = asyncio.ensure_future(listener.run())
    await listener.wait_listening()
    await asyncio.sleep(0.2)

    await notify(empty_database_dsn, "jobs", "still here")

    assert await heard.get() == "still here"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
