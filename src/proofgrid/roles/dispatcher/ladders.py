"""Raises the limit prices of tasks whose clients allowed it, after a time without a sale."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import together
from proofgrid.rules.jobs.events import Raised
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.store.database import Database
from proofgrid.store.tasks import (
    LOCK_TASKS,
    RAISE_LIMITS,
    RAISES_OF_TASKS,
    TASKS_TO_RAISE,
    RaisedTask,
    append_events,
    wake_lanes,
)
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


async def raise_limits(database: Database) -> None:
    """Raise what is due. Any number of gateways may: the tasks' locks decide who writes."""
    async with database.connection(Urgency.ROUNDS) as connection:
        due = await connection.fetch(TASKS_TO_RAISE)
    await together(due, lambda tasks: _raise(database, tasks), trouble="limits_not_raised")


async def _raise(database: Database, due: Sequence[TaskId]) -> None:
    async with database.transaction(Transaction.RAISE_LIMITS) as connection:
        await connection.run(LOCK_TASKS, task_ids=sorted(due))
        rows = await connection.fetch(RAISES_OF_TASKS, task_ids=due)
        steps = [_step(row) for row in rows]
        await connection.run(
            RAISE_LIMITS,
            task_ids=[row.task_id for row in rows],
            limit_prices=[price for price, _ in steps],
            raise_at_ms=[at_ms for _, at_ms in steps],
        )
        raised = [(row, price) for row, (price, _) in zip(rows, steps, strict=True) if price != row.limit_price]
        await append_events(connection, [(row.task_id, _event(row, price)) for row, price in raised])
        await wake_lanes(connection, [lane for row, _ in raised for lane in row.lanes])
    for row, price in raised:
        log.info("limit_raised", task_id=str(row.task_id), limit_price=price)


def _step(row: RaisedTask) -> tuple[int, int | None]:
    """Return the limit price from now on, and when it rises again."""
    ladder = Ladder(permille=row.raise_permille, every_ms=row.raise_every_ms, price_max=row.raise_max)
    waited_since_ms = row.sold_ms or 0
    if waited_since_ms + ladder.every_ms > row.now_ms:
        return row.limit_price, waited_since_ms + ladder.every_ms
    if not row.lanes:  # everything is being proven
        return row.limit_price, row.now_ms + ladder.every_ms
    price = ladder.next_price(row.limit_price)
    return price, row.now_ms + ladder.every_ms if price < ladder.price_max else None


def _event(row: RaisedTask, price: int) -> Raised:
    return Raised(limit_price=price, before=row.limit_price, limit_price_max=row.raise_max)
