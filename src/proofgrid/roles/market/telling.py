"""Tells tasks why they are not sold: they bid less than everybody asks, or nobody connected meets their constraints."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Lane, TaskId
from proofgrid.roles.market.book import Book
from proofgrid.rules.jobs.classes import stack_of
from proofgrid.rules.jobs.events import NoSale
from proofgrid.store.book import LOCK_TASKS_UNSERVED
from proofgrid.store.connection import Connection
from proofgrid.store.lanes import price_of
from proofgrid.store.tasks import append_events

NO_SALE_EVERY_MS = 1_000  #: at most one such event per task
UNSERVED_JOBS_MAX = 256  #: of one lane that are looked at in one round, beside those of tasks that were told
REMEMBERED_MAX = 4_096  #: tasks of a lane that nobody serves


class Telling:
    """Writes `no_sale` events, and remembers who was told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[Lane, dict[str, tuple[int, int]]] = {}  #: task -> (cheapest ask it was told of, when)
        self._nobody: dict[Lane, dict[str, int]] = {}  #: task -> when it was told that nobody meets its constraints

    async def too_cheap(self, connection: Connection, book: Book) -> None:
        """Tell the tasks that bid less than everybody asks; again when the cheapest ask is another, once a second."""
        cheapest = min(price_of(prover, book.lane) for prover in book.provers.values())
        now_ms = self._clock.now_ms()
        before, after = self._told.pop(Lane(book.lane), {}), {}
        events = []
        for demand in book.demands:
            if demand.limit_price >= cheapest:
                continue
            ask, at_ms = before.get(demand.task_id, (None, 0))
            if ask != cheapest and now_ms - at_ms >= NO_SALE_EVERY_MS:
                event = NoSale(lane=book.lane, cheapest_ask=cheapest, limit_price=demand.limit_price)
                events.append((TaskId(UUID(demand.task_id)), event))
                ask, at_ms = cheapest, now_ms
            if ask is not None:
                after[demand.task_id] = (ask, at_ms)
        await append_events(connection, events)
        if after:  # clients name lanes with constraints: those without such a task are forgotten
            self._told[Lane(book.lane)] = after

    async def nobody(self, connection: Connection, stack: str, lanes: Collection[str]) -> None:
        """Tell the tasks of these lanes, all that nobody serves, that no connected prover meets their constraints."""
        now_ms = self._clock.now_ms()
        self._forget(stack, lanes, now_ms)
        if not lanes:
            return
        told = [UUID(task_id) for lane in lanes for task_id in self._nobody.get(Lane(lane), ())]
        unserved = await connection.fetch(LOCK_TASKS_UNSERVED, lanes=list(lanes), jobs=UNSERVED_JOBS_MAX, told=told)
        events = []
        for task in unserved:
            event = NoSale(lane=task.lane, nobody=True, limit_price=task.limit_price)
            events.append((task.task_id, event))
            self._nobody.setdefault(task.lane, {})[str(task.task_id)] = now_ms
        await append_events(connection, events)

    def _forget(self, stack: str, unserved: Collection[str], now_ms: int) -> None:
        for lane, told in list(self._nobody.items()):
            if stack_of(lane) != stack or (lane in unserved and len(told) <= REMEMBERED_MAX):
                continue
            recent = {task_id: at_ms for task_id, at_ms in told.items() if now_ms - at_ms < NO_SALE_EVERY_MS}
            if recent:
                self._nobody[lane] = recent
            else:
                del self._nobody[lane]
