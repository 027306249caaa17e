"""The jobs that the book's statements pass over are those that nobody can have by the rules."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from proofgrid.rules.scheduling.fitness import Fitness, ProverRoom, barred_now
from proofgrid.store.book import CHEAP_JOBS, LOCK_TASKS_FOR_SALE, LOCK_TASKS_OF_OTHERS, room_columns, room_of_all
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import LANE, LaneUnderTest

JOBS = 40
NEVER, FOREVER = 1, 2**53


def some_rooms(chance: random.Random) -> Fitness:
    """A few provers of two operators, with little room."""
    return Fitness(
        ProverRoom(
            prover_id=f"{operator}/{name}",
            operator=operator,
            memory_bytes=chance.randrange(4),
            units_min=chance.randrange(4),
            slot_units_max=chance.choice([None, 1, 2, 3]),
        )
        for operator, name in chance.sample([("a", "p"), ("a", "q"), ("b", "p"), ("b", "q")], chance.randint(1, 3))
    )


async def some_jobs(lane: LaneUnderTest, chance: random.Random) -> dict[UUID, tuple[int, int, dict[str, int]]]:
    """A job of each task: units, memory, and who is excluded until when."""
    jobs = {}
    for _ in range(JOBS):
        names = chance.sample(["a", "b", "a/p", "b/q"], chance.choice([0, 0, 1, 2]))
        size = (chance.randint(1, 4), chance.randrange(4), {name: chance.choice([NEVER, FOREVER]) for name in names})
        task_id = await lane.add_task()
        statement = "UPDATE jobs SET units = $2, memory_bytes = $3, excluded = $4 WHERE task_id = $1"
        await lane.fetch(statement, task_id, *size)
        jobs[task_id] = size
    return jobs


@pytest.mark.parametrize("seed", range(6))
async def test_what_somebody_can_have_is_for_sale_and_nothing_else(lane: LaneUnderTest, seed: int) -> None:
    chance = random.Random(seed)
    jobs, fitness = await some_jobs(lane, chance), some_rooms(chance)
    wanted = {
        task_id
        for task_id, (units, memory_bytes, excluded) in jobs.items()
        if fitness.fits_somebody(units=units, memory_bytes=memory_bytes, barred=barred_now(excluded, now_ms=NEVER + 1))
    }
    able = room_columns(fitness)

    async with lane.database.transaction(Transaction.HOLD_ROUND) as connection:
        book = await connection.fetch(
            LOCK_TASKS_FOR_SALE, lane=LANE, limit=JOBS, enough=JOBS, most=JOBS, least=0, **able, **room_of_all(fitness)
        )
        cheap = await connection.fetch(CHEAP_JOBS, lane=LANE, below=FOREVER, limit=JOBS, **able, **room_of_all(fitness))
        others = await connection.fetch(
            LOCK_TASKS_OF_OTHERS, lane=LANE, known=[], clients=1, start="", of_each=JOBS, **able
        )

    assert {task.task_id for task in book} == wanted
    assert {task.task_id for task in others} == wanted
    assert {job.task_id for job in cheap} == wanted
    everybody = {
        task_id
        for task_id, (units, memory_bytes, excluded) in jobs.items()
        if not excluded and not fitness.unfit(units=units, memory_bytes=memory_bytes)
    }
    assert {job.task_id for job in cheap if job.is_plain} == everybody
    assert len(wanted) < JOBS
