"""Jobs that wait too long in a subnetwork."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import JobId, Lane, TaskId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job, where it waits, and for how long."""

    job_id: JobId
    task_id: TaskId
    lane: Lane
    waited_ms: int


TASKS_WAITING_TOO_LONG = query("tasks_waiting_too_long", TaskId)
JOBS_WAITING_TOO_LONG = query("jobs_waiting_too_long", WaitingJob)
MOVE_JOBS = query("move_jobs", None)
