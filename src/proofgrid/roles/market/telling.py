"""Tells tasks why they are not sold: they bid less than everybody asks, or nobody connected meets their constraints.

A reason is written when it is another than the one before, or after a sale, and at most `TOLD_MAX` times for a task and
lane: whoever asks gets the reason of this moment (why_waiting.py). Who was told is remembered, so that a round reads
nothing to stay silent; what is not remembered, after a restart or by another gateway, is read from the timeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Lane, TaskId
from proofgrid.roles.market.book import Book
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.events import NoSale
from proofgrid.rules.jobs.waiting import TOLD_MAX, Demand
from proofgrid.rules.scheduling.demand_and_supply import TaskDemand
from proofgrid.store.book import LOCK_TASKS_TO_TELL, LOCK_TASKS_UNSERVED, CheapJob
from proofgrid.store.connection import Connection
from proofgrid.store.tasks import append_events
from proofgrid.store.waiting import LAST_TOLD, LastTold

NO_SALE_EVERY_MS = 1_000  #: what is remembered of a task is not forgotten sooner, so no more often does it flap
UNSERVED_JOBS_MAX = 256  #: of one lane that are looked at in one round, beside those of tasks that were told
REMEMBERED_MAX = 4_096  #: tasks of a lane that nobody serves


class Telling:
    """Writes `no_sale` events, and remembers who was told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cheap: dict[Lane, dict[TaskId, int]] = {}  #: task -> when it was last seen to bid too little
        self._nobody: dict[Lane, dict[str, int]] = {}  #: task -> when it was told that nobody meets its constraints

    async def too_cheap(self, connection: Connection, book: Book) -> None:
        """Tell the tasks that bid less than everybody asks, busy provers too."""
        lane, now_ms = Lane(book.lane), self._clock.now_ms()
        before = self._cheap.pop(lane, {})
        cheap = {task_id: one.limit_price for task_id, one in _bidding(book) if one.limit_price < book.cheapest_ask}
        new = [task_id for task_id in cheap if task_id not in before]
        if new and book.counted:
            locked = set(await connection.fetch(LOCK_TASKS_TO_TELL, tasks=new))
            for task_id in [task_id for task_id in new if task_id not in locked]:
                del cheap[task_id]  # somebody is changing it: the next round tells it
            new = [task_id for task_id in new if task_id in locked]
        await self._write(
            connection,
            [
                (task_id, NoSale(lane=lane, cheapest_ask=book.cheapest_ask, limit_price=cheap[task_id]))
                for task_id in new
            ],
        )
        recent = {task_id: at_ms for task_id, at_ms in before.items() if now_ms - at_ms < NO_SALE_EVERY_MS}
        if after := recent | dict.fromkeys(cheap, now_ms):
            self._cheap[lane] = after  # clients name lanes with constraints: those without such a task are forgotten

    async def nobody(self, connection: Connection, stack: str, lanes: Mapping[str, Sequence[Demand]]) -> None:
        """Tell the tasks of these lanes, all that nobody serves, what the nearest connected prover lacks."""
        now_ms = self._clock.now_ms()
        self._forget(stack, lanes, now_ms)
        if not lanes:
            return
        told = [UUID(task_id) for lane in lanes for task_id in self._nobody.get(Lane(lane), ())]
        unserved = await connection.fetch(LOCK_TASKS_UNSERVED, lanes=list(lanes), jobs=UNSERVED_JOBS_MAX, told=told)
        news = []
        for task in unserved:
            event = NoSale(lane=task.lane, nobody=True, unmet=list(lanes[task.lane]), limit_price=task.limit_price)
            news.append((task.task_id, event))
            self._nobody.setdefault(task.lane, {})[str(task.task_id)] = now_ms
        await self._write(connection, news)

    async def _write(self, connection: Connection, news: Sequence[tuple[TaskId, NoSale]]) -> None:
        """Write those of the events that tell something new."""
        if not news:
            return
        rows = await connection.fetch(
            LAST_TOLD, task_ids=[task_id for task_id, _ in news], lanes=[event.lane for _, event in news]
        )
        last = {(one.task_id, one.lane): one for one in rows}
        new = [(task_id, event) for task_id, event in news if _is_news(event, last.get((task_id, Lane(event.lane))))]
        await append_events(connection, new)

    def _forget(self, stack: str, unserved: Mapping[str, object], now_ms: int) -> None:
        for lane, told in list(self._nobody.items()):
            if stack_of(lane) != stack or (lane in unserved and len(told) <= REMEMBERED_MAX):
                continue
            recent = {task_id: at_ms for task_id, at_ms in told.items() if now_ms - at_ms < NO_SALE_EVERY_MS}
            if recent:
                self._nobody[lane] = recent
            else:
                del self._nobody[lane]


def _bidding(book: Book) -> Iterator[tuple[TaskId, TaskDemand | CheapJob]]:
    for demand in book.demands:
        yield book.tasks[demand.task_id].task_id, demand
    yield from book.counted.items()


def _is_news(event: NoSale, last: LastTold | None) -> bool:
    if last is None:
        return True
    return last.number < TOLD_MAX and (last.sold_since or last.nobody is not bool(event.nobody))
