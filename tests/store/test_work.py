"""Work is counted by many payments at once."""

from __future__ import annotations

import asyncio

from proofgrid.primitives.ids import ProverId
from proofgrid.store.database import Database
from proofgrid.store.sessions import REGISTER_PROVER
from proofgrid.store.transactions import Transaction
from proofgrid.store.work import Work, note_work

PROVERS = [f"op/{number}" for number in range(4)]
WRITERS, TIMES = 4, 60


async def test_payments_that_count_the_same_provers_wait_for_each_other_and_lose_nothing(database: Database) -> None:
    async with database.transaction(Transaction.OPEN_SESSION) as connection:
        for prover_id in PROVERS:
            await connection.run(REGISTER_PROVER, prover_id=prover_id, operator="op")

    async def count(order: list[str]) -> None:
        works = [
            Work(prover_id=ProverId(prover_id), lane="default/toy/small", units=10, ran_ms=5, proofs=1)
            for prover_id in order
        ]
        for _ in range(TIMES):
            async with database.transaction(Transaction.PAY_PROOFS) as connection:
                await note_work(connection, works)

    async def refer() -> None:
        # What a round does when it writes leases: foreign keys share the provers' rows.
        for _ in range(WRITERS * TIMES):
            async with database.transaction(Transaction.HOLD_ROUND) as connection:
                await connection.raw.execute("SELECT FROM provers FOR KEY SHARE")

    async with asyncio.TaskGroup() as group:
        group.create_task(refer())
        for number in range(WRITERS):
            group.create_task(count(PROVERS[number:] + PROVERS[:number]))

    async with database.connection() as connection:
        counted = await connection.raw.fetch("SELECT jobs_proven, units_proven FROM provers ORDER BY prover_id")
    assert [tuple(row) for row in counted] == [(WRITERS * TIMES, 10 * WRITERS * TIMES)] * len(PROVERS)
