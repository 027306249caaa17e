"""A network that was stopped under version 0016, with tasks under way, goes on with this version and loses nothing."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from proofgrid.primitives.ids import Address, GatewayId, SessionId, TaskId
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.lifecycle import TaskEvent, TaskState, task_sources
from proofgrid.store.combining import FINISH_TASKS
from proofgrid.store.database import Database
from proofgrid.store.migrations import MIGRATIONS, migrate
from proofgrid.store.tasks import LOCK_TASK, end_task, give_back
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LaneUnderTest

GATEWAY = GatewayId(UUID(int=0x0A))
SESSIONS = [SessionId(UUID(int=0xA1)), SessionId(UUID(int=0xB1))]
NARROW = Constraints(allowed_operators=frozenset({Address("0xb1")})).name
LAST_BEFORE = 16


@pytest.fixture
async def lane(empty_database_dsn: str, tmp_path: Path) -> AsyncIterator[LaneUnderTest]:
    """The network of network_of_0016.sql, upgraded."""
    old = tmp_path / "migrations"
    old.mkdir()
    for path in sorted(MIGRATIONS.glob("*.sql"))[:LAST_BEFORE]:
        shutil.copy(path, old)
    connection = await asyncpg.connect(empty_database_dsn)
    assert len(await migrate(connection, old, functions=old / "none")) == LAST_BEFORE
    await connection.execute((Path(__file__).parent / "network_of_0016.sql").read_text().replace("NARROW", NARROW))
    assert "0017_stacks_pre.sql" in await migrate(connection)
    await connection.close()
    database = await Database.connect(empty_database_dsn, size=5)
    yield LaneUnderTest(database, gateway_id=GATEWAY)
    await database.close()


async def test_what_was_under_way_is_sold_proven_paid_and_finished(lane: LaneUnderTest) -> None:
    while await lane.sell():
        pass
    assert len(await lane.offer(*SESSIONS)) == 4  # three were sold now, one before
    await lane.pay(*[lease for lease in await lane.leases() if lease["state"] in ("offered", "running")])
    for task in await lane.fetch("SELECT * FROM tasks WHERE state = 'combining'"):
        await finish(lane, task)

    tasks = await lane.fetch("SELECT state, spent, escrow FROM tasks ORDER BY task_id")
    assert [task["state"] for task in tasks] == ["done"] * 5
    assert [lease["state"] for lease in await lane.leases()] == ["settled"] * 6
    assert tasks[1]["spent"] == tasks[2]["spent"] == 900_000  # at the prices of their round, before the upgrade
    [client] = await lane.fetch("SELECT balance FROM accounts WHERE account = 'client:0xc1'")
    assert client["balance"] == 10_000_000_000 - sum(task["spent"] for task in tasks)
    await lane.check_money()


async def test_what_was_under_way_can_be_cancelled(lane: LaneUnderTest) -> None:
    for number in range(1, 5):
        async with lane.database.transaction(Transaction.END_TASK) as connection:
            assert await end_task(connection, TaskId(UUID(int=number)), TaskEvent.CANCELLED) is not None

    [client] = await lane.fetch("SELECT balance FROM accounts WHERE account = 'client:0xc1'")
    assert client["balance"] == 10_000_000_000 - 900_000
    await lane.check_money()


async def test_rounds_go_on_where_they_stopped(lane: LaneUnderTest) -> None:
    await lane.sell()

    [first, second] = await lane.fetch("SELECT * FROM rounds WHERE lane = 'default/toy/small' ORDER BY number LIMIT 2")
    assert (first["number"], second["number"]) == (1, 2)
    assert f'"previous":"{first["transcript_hash"]}"' in second["transcript"]


async def finish(lane: LaneUnderTest, task: asyncpg.Record) -> None:
    """End a task whose proofs are combined."""
    async with lane.database.transaction(Transaction.FINISH_TASK) as connection:
        sources = task_sources(TaskEvent.COMBINED)
        finished = await connection.fetch(
            FINISH_TASKS,
            task_ids=[task["task_id"]],
            results=[{}],
            bundles=["d"],
            sizes=[1],
            contents=[b"-"],
            sources=sources,
        )
        assert finished == [task["task_id"]]
        locked = await connection.value(LOCK_TASK, task_id=task["task_id"])
        await give_back(connection, locked, TaskState.DONE)
