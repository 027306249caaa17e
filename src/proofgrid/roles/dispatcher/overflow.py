"""Moves jobs that waited too long in a subnetwork to the common lane of their class; limit price and budget stay.

tasks with old ready jobs --tasks locked, one transaction--> lanes of jobs, "overflowed" events, the common lanes wake
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import structlog

from proofgrid.primitives.ids import Lane, TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import together
from proofgrid.rules.access.subnetworks import overflow_lane
from proofgrid.rules.jobs.events import Overflowed
from proofgrid.store.database import Database
from proofgrid.store.overflow import JOBS_WAITING_TOO_LONG, MOVE_JOBS, TASKS_WAITING_TOO_LONG, WaitingJob
from proofgrid.store.tasks import LOCK_TASKS, append_events, wake_lanes
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class Overflow:
    """Looks at what waits in subnetworks. Any number of gateways may: the tasks' locks decide who moves it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def look(self) -> int:
        """Move what waited too long; return how many jobs that were."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            tasks = await connection.fetch(TASKS_WAITING_TOO_LONG)
        return sum(await together(tasks, self._move, trouble="jobs_not_overflowed"))

    async def _move(self, tasks: Sequence[TaskId]) -> int:
        async with self._database.transaction(Transaction.OVERFLOW_JOBS) as connection:
            await connection.run(LOCK_TASKS, task_ids=sorted(tasks))
            jobs = await connection.fetch(JOBS_WAITING_TOO_LONG, task_ids=tasks)
            lanes = [overflow_lane(job.lane) for job in jobs]
            await connection.run(
                MOVE_JOBS, job_ids=[job.job_id for job in jobs], old_lanes=[job.lane for job in jobs], new_lanes=lanes
            )
            await append_events(connection, _events(jobs))
            await wake_lanes(connection, lanes)
        if jobs:
            log.info("jobs_overflowed", jobs=len(jobs), lanes=sorted(set(lanes)))
        return len(jobs)


def _events(jobs: Sequence[WaitingJob]) -> list[tuple[TaskId, Overflowed]]:
    """One event for all jobs of a task and lane."""
    waited: dict[tuple[TaskId, Lane], list[int]] = defaultdict(list)
    for job in jobs:
        waited[job.task_id, job.lane].append(job.waited_ms)
    return [
        (
            task_id,
            Overflowed(jobs=len(times), from_=lane, to=overflow_lane(lane), waited_ms=max(times)),
        )
        for (task_id, lane), times in waited.items()
    ]
