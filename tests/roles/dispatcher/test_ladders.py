"""The watch raises limit prices that are due, in the rows that the market reads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from proofgrid.roles.dispatcher.ladders import raise_limits
from tests.roles.lanes import LaneUnderTest

RAISES = (100, 5_000, 1_200)  #: 10% after every 5 s, up to 1,200


async def test_a_limit_rises_step_by_step_until_somebody_sells(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task(limit_price=900, raises=RAISES)
    await lane.add_prover("0x1", ask=1_050)

    assert await lane.sell() == 0
    await raise_limits(lane.database)
    assert (await _limits(lane, task_id))[:2] == (900, 900)  # not due yet

    for expected in (990, 1_089):
        await _let_time_pass(lane)
        await raise_limits(lane.database)
        assert (await _limits(lane, task_id))[:2] == (expected, expected)
    assert await lane.sell() == 1
    raised = [data["limit_price"] for kind, data in await lane.events() if kind == "raised"]
    assert raised == [990, 1_089]
    await lane.check_money()


async def test_the_last_price_is_the_end_of_the_ladder(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task(limit_price=1_150, raises=RAISES)
    await _let_time_pass(lane)
    await raise_limits(lane.database)
    assert await _limits(lane, task_id) == (1_200, 1_200, None)


async def test_a_sale_meanwhile_starts_the_waiting_anew(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task(jobs=2, limit_price=1_100, raises=RAISES)
    await lane.add_prover("0x1", ask=1_000)
    assert await lane.sell() == 1
    await _let_time_pass(lane)
    await raise_limits(lane.database)
    limit, of_jobs, at_ms = await _limits(lane, task_id)
    assert (limit, of_jobs) == (1_100, 1_100)
    assert at_ms is not None
    assert not [kind for kind, _ in await lane.events() if kind == "raised"]


async def test_two_watches_raise_once(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task(limit_price=900, raises=RAISES)
    await _let_time_pass(lane)
    await raise_limits(lane.database)
    await raise_limits(lane.database)
    assert (await _limits(lane, task_id))[0] == 990


async def _let_time_pass(lane: LaneUnderTest) -> None:
    await lane.fetch("UPDATE tasks SET raise_at_ms = now_ms() WHERE raise_at_ms IS NOT NULL")


async def _limits(lane: LaneUnderTest, task_id: UUID) -> tuple[Any, Any, Any]:
    [row] = await lane.fetch(
        "SELECT t.limit_price AS task, j.limit_price AS job, raise_at_ms FROM tasks t JOIN jobs j USING (task_id)"
        " WHERE task_id = $1 ORDER BY j.position LIMIT 1",
        task_id,
    )
    return row["task"], row["job"], row["raise_at_ms"]
