"""Watchers of tasks: one notification wakes everybody who waits for that task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import TaskId
from proofgrid.rules.jobs.lifecycle import TASK_ENDED
from proofgrid.store.database import Database
from proofgrid.store.task_views import EVENTS_AFTER, GET_TASK, EventView

EVENTS_PER_READ = 500
ENDING_KINDS = frozenset(state.value for state in TASK_ENDED)


class TaskWatch:
    """Streams the events of tasks from the database, woken by LISTEN/NOTIFY."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    def wake(self, payload: str) -> None:
        """Something happened to the tasks named by `payload`."""
        for task_id in payload.split(","):
            for event in self._waiting.get(task_id, ()):
                event.set()

    def wake_all(self) -> None:
        """Notifications may have been missed: everybody looks again."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    def close(self) -> None:
        """End every stream: the watchers go on at another gateway, after the last event they have seen."""
        self._closed = True
        self.wake_all()

    async def follow(self, task_id: TaskId, cursor: int) -> AsyncIterator[EventView]:
        """Yield every event after `cursor`, in order and without gaps, until the task has ended.

        Raises Unavailable when this gateway closes.
        """
        woken = asyncio.Event()
        waiting = self._waiting.setdefault(str(task_id), set())
        waiting.add(woken)
        try:
            while True:
                if self._closed:
                    raise Unavailable("this gateway closes")
                woken.clear()  # before reading, so that nothing falls between reading and waiting
                rows = await self._read(task_id, cursor)
                for row in rows:
                    cursor = row.seq
                    yield row
                    if row.kind in ENDING_KINDS:
                        return
                if not rows:
                    if await self._has_ended(task_id):
                        # Perhaps between the two reads: the last event must not be swallowed.
                        for row in await self._read(task_id, cursor):
                            yield row
                        return
                    await woken.wait()
        finally:
            waiting.discard(woken)
            if not waiting:
                self._waiting.pop(str(task_id), None)

    async def _read(self, task_id: TaskId, cursor: int) -> list[EventView]:
        async with self._database.connection() as connection:
            return await connection.fetch(EVENTS_AFTER, task_id=task_id, cursor=cursor, limit=EVENTS_PER_READ)

    async def _has_ended(self, task_id: TaskId) -> bool:
        # A cursor at or beyond the last event of an ended task would wait for ever.
        async with self._database.connection() as connection:
            task = await connection.first(GET_TASK, task_id=task_id)
        return task is None or task.finished_ms is not None
