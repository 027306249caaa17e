"""The market role on a real database: what it does when somebody else is at the same rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.ids import Address, GatewayId, Lane, Stack
from proofgrid.roles.market.rounds import Market, MarketSettings
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.ledger.settlement import deposit, escrow
from proofgrid.store.admission import ADMIT_TASKS
from proofgrid.store.book import NEXT_PUT_OFF
from proofgrid.store.database import Database
from proofgrid.store.gateways import REGISTER_GATEWAY
from proofgrid.store.programs import INSERT_PROGRAM
from proofgrid.store.rounds import OPEN_STACK, WRITE_ROUND
from proofgrid.store.sessions import OPEN_SESSION, REGISTER_PROVER
from proofgrid.store.tasks import LOCK_TASK
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers, transfer_row
from tests.makers import a_key, a_program, a_session

LANE = Lane("default/toy/small")
STACK = Stack("default/toy")
TASK, JOB, SESSION, GATEWAY = (UUID(int=number) for number in range(1, 5))


async def a_lane_with_one_job_and_one_prover(database: Database) -> None:
    async with database.transaction(Transaction.ADMIT_TASKS) as connection:
        await connection.run(INSERT_PROGRAM, **a_program(units=10))
        await post_transfers(connection, deposit(deposit_id="1", client=Address("c"), amount=15_000))
        [transfer] = escrow(task_id=str(TASK), client=Address("c"), limit_price=1_500, units=10)
        task: dict[str, Any] = {
            "task_id": str(TASK),
            "client": "c",
            "program_digest": "p",
            "idempotency_key": "key",
            "statement": {},
        }
        task |= {"request_digest": "digest", "inputs": 1, "limit_price": 1_500, "units": 10, "escrow": 15_000}
        task |= {"deadline_ms": 2**52, "jobs_open": 1, "inputs_digest": "digest"}
        task |= {"accepted": {}, "transfer": transfer_row(transfer)}
        job: dict[str, Any] = {
            "job_id": str(JOB),
            "slice": 0,
            "input": 0,
            "position": 0,
            "lane": LANE,
            "class": "small",
            "units": 10,
        }
        job |= {"memory_bytes": 1, "depends_on": [], "input_digest": "d", "input_bytes": 5, "facts": {}}
        jobs = [job | {"task_id": str(TASK)}]
        await connection.run(ADMIT_TASKS, tasks=[task], jobs=jobs, small_inputs=[b"input"], deadline_ms=0, origin="")
        await connection.run(REGISTER_GATEWAY, gateway_id=GATEWAY)
        await connection.run(REGISTER_PROVER, prover_id="op/p", operator="op")
        await connection.run(OPEN_SESSION, **a_session(SESSION, "op/p", GATEWAY))


def a_market(database: Database, gateway: UUID = GATEWAY) -> Market:
    return Market(
        database,
        gateway_id=GatewayId(gateway),
        keys=NetworkKeys.of(a_key()),
        settings=MarketSettings(),
        clock=ManualClock(),
    )


async def test_a_round_sells_the_job_once(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    market = a_market(database)

    first, second = await market.hold_rounds(STACK), await market.hold_rounds(STACK)

    assert first is not None
    assert first.sold == 1
    assert second is None


async def test_a_round_that_had_to_skip_a_locked_task_is_held_again_soon(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    market = a_market(database)

    async with database.transaction(Transaction.HOLD_ROUND) as other:
        await other.first(LOCK_TASK, task_id=TASK)
        skipped = await market.hold_rounds(STACK)
    again = await market.hold_rounds(STACK)

    assert skipped is not None
    assert (skipped.sold, skipped.next_job_ms) == (0, MarketSettings().interval_ms)
    assert again is not None
    assert again.sold == 1


async def test_two_gateways_never_hold_the_same_round(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    async with database.transaction(Transaction.HOLD_ROUND) as other:
        [opening] = await other.fetch(OPEN_STACK, stack=STACK, leader=UUID(int=9))
        assert opening.lane == LANE
        held = await a_market(database).hold_rounds(STACK)
    assert held is not None
    assert held.sold == 0
    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT count(*) FROM rounds") == 0


async def test_every_round_and_lease_carries_the_epoch_of_its_leader(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    one, other = a_market(database), a_market(database, UUID(int=9))

    for market in (one, one, other, one):
        held = await market.hold_rounds(STACK)
        assert held is not None
        assert held.sold == 1
        async with database.connection() as connection:
            await connection.raw.execute("UPDATE leases SET state = 'expired' WHERE state = 'granted'")
            await connection.raw.execute("UPDATE jobs SET state = 'ready', lease_id = NULL")

    async with database.connection() as connection:
        rounds = await connection.raw.fetch("SELECT number, epoch FROM rounds ORDER BY number")
        leases = await connection.raw.fetch("SELECT round AS number, epoch FROM leases ORDER BY fence")
    assert [tuple(row) for row in rounds] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert [tuple(row) for row in leases] == [tuple(row) for row in rounds]


async def test_a_round_of_an_older_epoch_is_not_written(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    async with database.transaction(Transaction.ADMIT_TASKS) as connection:
        for gateway, epoch in ((GATEWAY, 1), (UUID(int=9), 2)):
            [opening] = await connection.fetch(OPEN_STACK, stack=STACK, leader=gateway)
            assert (opening.lane, opening.epoch) == (LANE, epoch)
        record: dict[str, object] = {"transcript": "{}", "transcript_hash": "hash", "signature": "signature"}
        record |= {"lane": LANE, "number": 1, "secret": b"secret", "next_reference": 1}
        record |= dict.fromkeys(("buy_price", "shown_buy_price", "shown_sell_price", "units", "bids", "asks"), 1)
        record |= {"leases": [], **{name: [] for name in ("sources", "winners", "task_ids", "kinds", "data")}}
        assert await connection.first(WRITE_ROUND, epoch=1, leader=GATEWAY, **record) is None
        assert await connection.first(WRITE_ROUND, epoch=2, leader=UUID(int=9), **record) == 0
        assert [row["epoch"] for row in await connection.raw.fetch("SELECT epoch FROM rounds")] == [2]


async def test_a_task_that_bids_too_little_is_told_the_cheapest_ask_once(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    market = a_market(database)
    async with database.connection() as connection:
        await connection.raw.execute("UPDATE tasks SET limit_price = 699")
        await connection.raw.execute("UPDATE jobs SET limit_price = 699")

    for _ in range(3):
        held = await market.hold_rounds(STACK)
        assert held is not None
        assert held.sold == 0

    async with database.connection() as connection:
        events = await connection.raw.fetch("SELECT kind, data FROM task_events WHERE seq > 1")
    assert [(row["kind"], row["data"]["cheapest_ask"], row["data"]["limit_price"]) for row in events] == [
        ("no_sale", 700, 699)
    ]


async def test_a_job_is_looked_at_again_when_the_only_prover_may_have_it_again(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    async with database.connection() as connection:
        assert await connection.value(NEXT_PUT_OFF, stack=STACK) is None
        await connection.raw.execute(
            "UPDATE jobs SET not_before_ms = now_ms() - 5000, excluded = jsonb_build_object('op/p', now_ms() + 60000)"
        )
        assert await a_market(database).hold_rounds(STACK) is None
        wait_ms = await connection.value(NEXT_PUT_OFF, stack=STACK)
        await connection.raw.execute("UPDATE jobs SET excluded = jsonb_build_object('op', now_ms() + 60000)")
        assert await a_market(database).hold_rounds(STACK) is None
        await connection.raw.execute("UPDATE jobs SET excluded = jsonb_build_object('op', now_ms() - 5000)")
    held = await a_market(database).hold_rounds(STACK)

    assert wait_ms is not None
    assert 20_000 < wait_ms <= 60_000
    assert held is not None
    assert held.sold == 1


async def test_a_job_that_nobody_can_hold_does_not_keep_cheaper_ones_out(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    async with database.connection() as connection:
        await connection.raw.execute(
            """INSERT INTO tasks SELECT (t).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object(
                'task_id', gen_random_uuid(), 'idempotency_key', n::text, 'limit_price', 1600)) AS t
            FROM tasks t, generate_series(1, 40) AS n) AS copies"""
        )
        await connection.raw.execute(
            """INSERT INTO jobs SELECT (j).* FROM (SELECT jsonb_populate_record(j, jsonb_build_object('job_id',
                gen_random_uuid(), 'task_id', t.task_id, 'limit_price', 1600, 'memory_bytes', 1::bigint << 40)) AS j
            FROM jobs j, tasks t WHERE t.task_id <> j.task_id) AS copies"""
        )
    held = await a_market(database).hold_rounds(STACK)

    assert held is not None
    assert held.sold == 1
    async with database.connection() as connection:
        assert await connection.raw.fetchval("SELECT job_id FROM leases") == JOB
