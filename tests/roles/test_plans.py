"""What a statement reads does not grow with what is stored: plans are made while tables are small, and stay."""

from __future__ import annotations

from uuid import uuid4

import pytest

from proofgrid.rules.ledger.settlement import deposit, escrow
from proofgrid.rules.scheduling.fitness import Fitness, ProverRoom
from proofgrid.store.admission import LOOK_AROUND
from proofgrid.store.book import CHEAP_JOBS, LOCK_TASKS_FOR_SALE, room_columns, room_of_all
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.granting import GRANT_LEASES
from proofgrid.store.task_views import EVENTS_AFTER
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from tests.roles.lanes import CLIENT, LANE, LaneUnderTest

READ = """
    SELECT coalesce(sum(idx_tup_fetch), 0) + coalesce(sum(seq_tup_read), 0) AS tuples FROM pg_stat_xact_user_tables
"""


async def _tuples_read(connection: Connection) -> int:
    return int(await connection.raw.fetchval(READ))


async def test_a_posting_reads_as_much_after_hundreds_as_after_the_first(database: Database) -> None:
    async def post(connection: Connection) -> None:
        await post_transfers(connection, escrow(task_id=str(uuid4()), client=CLIENT, limit_price=1, units=1))

    async with database.transaction(Transaction.MOVE_MONEY) as connection:
        await post_transfers(connection, deposit(deposit_id="d", client=CLIENT, amount=10**9))
        read = []
        for _ in range(300):
            before = await _tuples_read(connection)
            await post(connection)
            read.append(await _tuples_read(connection) - before)
    # The fifth call is the last that plans anew.
    assert max(read[10:]) <= read[6] + 5


@pytest.mark.parametrize("watchers", [1, 20])
async def test_who_watches_reads_its_own_events(lane: LaneUnderTest, watchers: int) -> None:
    tasks = [await lane.add_task() for _ in range(100)]
    async with lane.database.snapshot() as connection:
        for _ in range(8):
            before = await _tuples_read(connection)
            await connection.fetch(EVENTS_AFTER, task_ids=tasks[:watchers], cursors=[0] * watchers, limit=500)
            read = await _tuples_read(connection) - before
    assert read <= 3 * watchers


async def test_a_key_is_looked_up_and_not_searched_for_among_all_tasks_of_its_client(lane: LaneUnderTest) -> None:
    asked = {"clients": [CLIENT], "idempotency_keys": ["new"], "counting": [False], "open_max": 1_000}
    async with lane.database.connection() as connection:
        for _ in range(8):  # planned while there are no tasks
            await connection.fetch(LOOK_AROUND, **asked)
        for _ in range(50):
            await lane.add_task()
        async with connection.raw.transaction():
            before = await _tuples_read(connection)
            await connection.fetch(LOOK_AROUND, **asked)
            assert await _tuples_read(connection) - before <= 1


async def test_a_round_finds_each_task_by_its_id(lane: LaneUnderTest) -> None:
    room = ProverRoom(prover_id="p", operator="o", memory_bytes=1 << 30, units_min=1, slot_units_max=None)
    fitness = Fitness([room])
    asked = {"lane": LANE, **room_columns(fitness), **room_of_all(fitness)}
    tasks = 50

    async def read(connection: Connection) -> tuple[int, int]:
        before = await _tuples_read(connection)
        await connection.fetch(CHEAP_JOBS, **asked, below=10_000, limit=100)
        between = await _tuples_read(connection)
        await connection.fetch(LOCK_TASKS_FOR_SALE, **asked, limit=100, enough=100, most=100, least=0)
        return between - before, await _tuples_read(connection) - between

    async with lane.database.transaction(Transaction.HOLD_ROUND) as connection:
        for _ in range(8):  # planned while there are no tasks
            await read(connection)
        for _ in range(tasks):
            await lane.add_task()
        cheap, locked = await read(connection)
    assert cheap <= 2 * tasks + 2
    assert locked <= 3 * tasks + 2


async def test_a_sale_reads_the_jobs_that_it_sells_and_not_all_that_ever_were(lane: LaneUnderTest) -> None:
    nobodys = [{"lease_id": str(uuid4()), "job_id": str(uuid4())}]
    asked = {
        "leases": nobodys,
        "lane": LANE,
        "round": 1,
        "buy_price": 1,
        "sources": ["ready"],
        "epoch": 0,
        "winners": [],
    }
    async with lane.database.connection() as connection:
        for _ in range(8):  # planned while there are no jobs
            await connection.value(GRANT_LEASES, **asked)
        for _ in range(50):
            await lane.add_task()
        async with connection.raw.transaction():
            before = await _tuples_read(connection)
            assert not await connection.value(GRANT_LEASES, **asked)
            assert await _tuples_read(connection) == before
