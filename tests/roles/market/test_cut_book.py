"""How many of the bids that wait a round looks at, on a real database."""

from __future__ import annotations

import pytest

from proofgrid.roles.market import collecting
from proofgrid.store.tasks import LOCK_TASKS
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import STACK, LaneUnderTest

PROVERS, SLOTS = 8, 40
TASKS = 100
SHORT = SLOTS + 1 + SLOTS // 8  #: as many bids as slots, one that leaves, and an eighth
TOP = 2_000


async def bids_of_a_round(lane: LaneUnderTest) -> int:
    await lane.fetch("UPDATE gateways SET seen_ms = now_ms() + 3600000")  # adding the tasks took its time
    held = await lane.market.hold_rounds(STACK)
    assert held is not None
    [row] = await lane.fetch("SELECT bids FROM rounds")
    bids: int = row["bids"]
    return bids


@pytest.fixture
async def free(lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch) -> LaneUnderTest:
    monkeypatch.setattr(collecting, "TASKS_OF_OTHERS", 0)  # places beside a full book, which are not counted here
    for number in range(PROVERS):
        await lane.add_prover(f"op{number}", slots=SLOTS // PROVERS)
    return lane


async def test_bids_that_differ_are_looked_at_until_they_exhaust_the_slots(free: LaneUnderTest) -> None:
    for number in range(TASKS):
        await free.add_task(limit_price=TOP - number)
    assert await bids_of_a_round(free) == SHORT


async def test_bids_that_are_equal_where_the_slots_end_are_looked_at_together(free: LaneUnderTest) -> None:
    for number in range(TASKS):
        await free.add_task(limit_price=TOP if number < 10 else TOP - 1)
    assert await bids_of_a_round(free) == 2 * SLOTS


async def test_jobs_that_not_everybody_may_have_do_not_count(free: LaneUnderTest) -> None:
    for number in range(TASKS):
        await free.add_task(limit_price=TOP - number)
    await free.fetch("""UPDATE jobs SET excluded = '{"op0": 9007199254740993}' WHERE limit_price > $1""", TOP - 30)
    assert await bids_of_a_round(free) == SHORT + 30


async def test_where_too_many_tasks_are_locked_more_are_looked_at(free: LaneUnderTest) -> None:
    best = [await free.add_task(limit_price=TOP - number) for number in range(TASKS)][:10]
    async with free.database.transaction(Transaction.HOLD_ROUND) as other:
        await other.fetch(LOCK_TASKS, task_ids=best)
        assert await bids_of_a_round(free) == 2 * SLOTS - 10
