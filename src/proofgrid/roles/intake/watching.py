"""Watchers of tasks: one notification wakes everybody who waits for that task, one statement reads for all who woke.

task_events --payload: tasks--> those who wait for them --together--> one statement --> the same events for all
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import TaskId
from proofgrid.rules.jobs.lifecycle import TASK_ENDED
from proofgrid.store.batches import Batches
from proofgrid.store.database import Database
from proofgrid.store.task_views import EVENTS_AFTER, EventView, FoundEvent

EVENTS_PER_READ = 500
WATCHERS_PER_READ = 256
ENDING_KINDS = frozenset(state.value for state in TASK_ENDED)


@dataclass(frozen=True, slots=True)
class _Read:
    """What one moment of the database knew of a task after a cursor."""

    events: Sequence[EventView]
    has_ended: bool


class TaskWatch:
    """Streams the events of tasks from the database, woken by LISTEN/NOTIFY. Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._reads: Batches[tuple[TaskId, int], _Read] = Batches(self._read, size_max=WATCHERS_PER_READ, at_once=2)
        self._closed = False

    async def run(self) -> None:
        """Read for those who watch until cancelled."""
        await self._reads.run()

    def wake(self, payload: str) -> None:
        """Something happened to the tasks named by `payload`."""
        if not self._waiting:
            return
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

        What came after its end by then, such as the receipt of its proof's delivery, is among them.
        Raises Unavailable when this gateway closes.
        """
        has_ended = False
        woken = asyncio.Event()
        waiting = self._waiting.setdefault(str(task_id), set())
        waiting.add(woken)
        try:
            while True:
                if self._closed:
                    raise Unavailable("this gateway closes")
                woken.clear()  # before reading, so that nothing falls between reading and waiting
                read = await self._reads.add((task_id, cursor))
                for event in read.events:
                    cursor = event.seq
                    yield event
                    has_ended = has_ended or event.kind in ENDING_KINDS
                if len(read.events) == EVENTS_PER_READ:
                    continue
                if has_ended or read.has_ended:
                    return  # a cursor at or beyond the last event of an ended task would wait for ever
                await woken.wait()
        finally:
            waiting.discard(woken)
            if not waiting:
                self._waiting.pop(str(task_id), None)

    async def _read(self, asked: list[tuple[TaskId, int]]) -> Sequence[_Read]:
        once = list(dict.fromkeys(asked))  # many watch the same task and have seen the same
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                EVENTS_AFTER,
                task_ids=[task_id for task_id, _ in once],
                cursors=[cursor for _, cursor in once],
                limit=EVENTS_PER_READ,
            )
        found = {once[place - 1]: _as_read(list(group)) for place, group in groupby(rows, key=attrgetter("place"))}
        return [found[one] for one in asked]


def as_events(rows: Sequence[FoundEvent]) -> list[EventView]:
    """Return the events of a task among what was found."""
    return [
        EventView(row.seq, row.kind, row.data, row.at_ms)
        for row in rows
        if row.seq is not None and row.kind is not None and row.data is not None and row.at_ms is not None
    ]


def _as_read(rows: Sequence[FoundEvent]) -> _Read:
    return _Read(as_events(rows), rows[0].has_ended)
