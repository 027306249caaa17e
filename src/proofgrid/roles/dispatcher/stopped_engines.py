"""Ends the open tasks of stopped engines: refunded, their leases without blame.

Until all of a stop's tasks have ended, and no more can come, the stop is looked at again: whoever dies in between,
the next gateway goes on.
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from proofgrid.primitives.engine_errors import EngineBroken
from proofgrid.primitives.errors import SettlementStopped
from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.store.database import Database
from proofgrid.store.engines import NOTE_SWEPT, STOPS_TO_SWEEP, TASKS_OF_ENGINE, StopToSweep
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction

SETTLED_MS = 120_000  #: a request that was checked before a stop is written down by then, or never
TASKS_PER_LOOK = 200

log = structlog.get_logger(__name__)


class StoppedEngines:
    """Looks at stops. Any number of gateways may: the tasks' locks decide who ends them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> bool:
        """End open tasks of stopped engines; tell whether there may be more of them now."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            stops = await connection.fetch(STOPS_TO_SWEEP, settled_ms=SETTLED_MS)
        return any([await self._sweep(stop) for stop in stops])

    async def _sweep(self, stop: StopToSweep) -> bool:
        async with self._database.connection(Urgency.ROUNDS) as connection:
            tasks = await connection.fetch(TASKS_OF_ENGINE, engine=stop.engine, limit=TASKS_PER_LOOK)
        for task_id in tasks:
            with suppress(SettlementStopped):  # it ends when settlement goes on
                await self._end(task_id, stop)
        if tasks:
            log.warning("tasks_of_stopped_engine_ended", engine=stop.engine, tasks=len(tasks))
        elif stop.is_settled:
            await self._database.write(Transaction.CHANGE_ENGINES, NOTE_SWEPT, stop_id=stop.stop_id)
        return len(tasks) == TASKS_PER_LOOK

    async def _end(self, task_id: TaskId, stop: StopToSweep) -> None:
        async with self._database.transaction(Transaction.END_TASK) as connection:
            detail = f"{stop.engine} was stopped by an administrator: {stop.reason}"
            await end_task(connection, task_id, TaskEvent.GAVE_UP, code=EngineBroken.code, detail=detail)
