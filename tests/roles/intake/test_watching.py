"""Who watches tasks: events in order and without gaps, read once for all who woke."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import TaskId
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.roles.intake.watching import EVENTS_PER_READ, TaskWatch
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.store.task_views import EventView
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction
from tests.roles.lanes import CLIENT, LaneUnderTest


class Watched:
    """A watch that counts its statements."""

    def __init__(self, lane: LaneUnderTest) -> None:
        self.lane = lane
        self.watch = TaskWatch(lane.database)
        self.reads: list[int] = []
        read = self.watch._reads._carry_out

        async def counting(asked: list[tuple[TaskId, int]]) -> Any:
            self.reads.append(len(asked))
            return await read(asked)

        self.watch._reads._carry_out = counting

    async def append(self, task_id: UUID, kind: str, *, number: int = 1, **data: object) -> None:
        """Write events as a transaction of any gateway would, and tell the watch as the listener would."""
        await self.lane.fetch(
            "INSERT INTO task_events (task_id, seq, kind, data) SELECT $1, event_seq + place, $2, $3::jsonb"
            " FROM tasks, generate_series(1, $4) AS place WHERE task_id = $1",
            task_id,
            kind,
            data,
            number,
        )
        await self.lane.fetch("UPDATE tasks SET event_seq = event_seq + $2 WHERE task_id = $1", task_id, number)
        self.watch.wake(f"{uuid4()},{task_id}")


@asynccontextmanager
async def watching(lane: LaneUnderTest) -> AsyncIterator[Watched]:
    watched = Watched(lane)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(watched.watch.run())
        yield watched
        running.cancel()


async def _all(events: AsyncIterator[EventView], heard: asyncio.Semaphore | None = None) -> list[tuple[int, str]]:
    seen = []
    async for event in events:
        seen.append((event.seq, event.kind))
        if heard is not None:
            heard.release()
    return seen


async def test_all_who_watch_hear_everything_and_one_statement_reads_for_them(lane: LaneUnderTest) -> None:
    one, two = TaskId(await lane.add_task()), TaskId(await lane.add_task())
    async with watching(lane) as watched, asyncio.TaskGroup() as group:
        heard = asyncio.Semaphore(0)
        tasks = [
            group.create_task(_all(watched.watch.follow(task_id, 0), heard)) for task_id in (one, one, one, two, two)
        ]
        for _ in tasks:
            await heard.acquire()
        # All five woke for one statement, or two where some came while the first was under way.
        assert sum(watched.reads) == 5
        assert len(watched.reads) <= 2

        for kind in ("sold", "done"):
            await watched.append(one, kind)
            await watched.append(two, kind)
        seen = [await task for task in tasks]
    assert seen == [[(1, "accepted"), (2, "sold"), (3, "done")]] * 5


async def test_a_watcher_goes_on_after_its_cursor_and_waits_for_nothing_of_an_ended_task(lane: LaneUnderTest) -> None:
    task_id = TaskId(await lane.add_task())
    async with lane.database.transaction(Transaction.END_TASK) as connection:
        await end_task(connection, task_id, TaskEvent.CANCELLED)
    async with watching(lane) as watched:
        assert await _all(watched.watch.follow(task_id, 0)) == [(1, "accepted"), (2, "cancelled")]
        assert await _all(watched.watch.follow(task_id, 1)) == [(2, "cancelled")]
        for cursor in (2, 99):
            assert await _all(watched.watch.follow(task_id, cursor)) == []
        assert await _all(watched.watch.follow(TaskId(uuid4()), 0)) == []


async def test_more_events_than_one_statement_reads_come_in_order(lane: LaneUnderTest) -> None:
    task_id = TaskId(await lane.add_task())
    async with watching(lane) as watched:
        await watched.append(task_id, "sold", number=2 * EVENTS_PER_READ)
        await watched.append(task_id, "done")
        seen = await _all(watched.watch.follow(task_id, 0))
    assert [seq for seq, _ in seen] == list(range(1, 2 * EVENTS_PER_READ + 3))


async def test_an_event_that_falls_between_reading_and_waiting_is_not_lost(lane: LaneUnderTest) -> None:
    task_id = TaskId(await lane.add_task())
    async with watching(lane) as watched:
        events = watched.watch.follow(task_id, 0)
        assert (await anext(events)).kind == "accepted"
        # The watcher has read and does not wait yet.
        await watched.append(task_id, "sold")
        assert (await anext(events)).kind == "sold"
        await watched.append(task_id, "done")
        assert await _all(events) == [(3, "done")]
        assert not watched.watch._waiting


async def test_a_gateway_that_closes_sends_its_watchers_on(lane: LaneUnderTest) -> None:
    task_id = TaskId(await lane.add_task())
    async with watching(lane) as watched:
        events = watched.watch.follow(task_id, 0)
        await anext(events)
        watched.watch.close()
        with pytest.raises(Unavailable):
            await anext(events)


@pytest.mark.parametrize("role", [Role.CLIENT, Role.ADMIN])
async def test_what_a_watcher_sees_is_what_its_roles_may_see(lane: LaneUnderTest, role: Role) -> None:
    task_id = TaskId(await lane.add_task())
    whatever: Any = None
    async with watching(lane) as watched:
        await watched.append(task_id, "of a newer gateway", note="ä\u2028", deep={"b": [1, 2.5, None]})
        await watched.append(task_id, "done")
        tasks = Tasks(lane.database, whatever, watched.watch, why_waiting=whatever)
        seen = [event async for event in tasks.follow(Caller(CLIENT, frozenset({role})), task_id, cursor=1)]
    assert [(event.seq, json.loads(event.data)) for event in seen] == [
        (2, {"note": "ä\u2028", "deep": {"b": [1, 2.5, None]}}),
        (3, {}),
    ]


async def test_what_came_after_the_end_is_there_for_who_asks_later(lane: LaneUnderTest) -> None:
    task_id = await lane.add_task()
    async with watching(lane) as watched:
        await watched.append(task_id, "done")
        await lane.fetch("UPDATE tasks SET state = 'done', finished_ms = now_ms() WHERE task_id = $1", task_id)
        await watched.append(task_id, "delivered")
        seen = await _all(watched.watch.follow(TaskId(task_id), 0))
    assert [kind for _, kind in seen][-2:] == ["done", "delivered"]
