"""One gateway at a time spells a proof as a call of a contract; of one that is gone it is free again."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.proof_deliveries import CLAIM_TO_SPELL, IS_TO_SPELL
from proofgrid.store.transactions import Transaction
from tests.makers import a_key
from tests.roles.lanes import LaneUnderTest


@pytest.fixture
async def lane(database: Database) -> LaneUnderTest:
    lane = LaneUnderTest(database)
    await lane.open()
    return lane


async def _claimed(lane: LaneUnderTest, gateway: UUID, *systems: str) -> list[UUID]:
    """Return the tasks that a gateway may spell now."""
    asked = {"gateway_id": gateway, "gateway_silent_ms": GATEWAY_SILENT_MS, "systems": list(systems or ["toy"])}
    async with lane.database.connection() as connection:
        is_there = await connection.value(IS_TO_SPELL, **asked)
    async with lane.database.transaction(Transaction.SPELL_DELIVERY) as connection:
        rows = await connection.fetch(CLAIM_TO_SPELL, **asked, limit=10)
    assert is_there == bool(rows)
    return [row.task_id for row in rows]


async def test_what_a_living_gateway_spells_is_left_to_it(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task()
    await lane.fetch("UPDATE tasks SET state = 'done' WHERE task_id = $1", task_id)
    await lane.fetch("INSERT INTO proof_deliveries (task_id, target) VALUES ($1, $2)", task_id, a_key(3).address)
    [program] = await lane.fetch("SELECT proof_system FROM programs")
    first, second = uuid4(), uuid4()
    for gateway in (first, second):
        await lane.fetch("INSERT INTO gateways (gateway_id) VALUES ($1)", gateway)

    assert await _claimed(lane, first, "another") == [], "it has no engine for it"
    assert await _claimed(lane, first, program["proof_system"]) == [task_id]
    assert await _claimed(lane, second, program["proof_system"]) == []
    assert await _claimed(lane, first, program["proof_system"]) == [task_id], "what it began before it was cut off"
    await lane.fetch("UPDATE gateways SET seen_ms = 0 WHERE gateway_id = $1", first)
    assert await _claimed(lane, second, program["proof_system"]) == [task_id]
    await lane.fetch("UPDATE proof_deliveries SET state = 'ready', call = ''")
    assert await _claimed(lane, second, program["proof_system"]) == []
