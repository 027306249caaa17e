"""Tasks, their jobs and their events, as clients see them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, JobId, ProverId, TaskId
from proofgrid.rules.jobs.lifecycle import JobState, TaskState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task; amounts are base units."""

    task_id: UUID
    client: Address
    state: TaskState
    program_digest: Digest
    limit_price: int  #: per PU
    escrow: int
    spent: int
    units: int
    deadline_ms: int
    created_ms: int
    finished_ms: int | None
    failure_code: str
    failure_detail: str
    bundle_digest: Digest | None
    inputs: int  #: how many
    quote_id: UUID | None  #: the firm quote that it was redeemed with
    subnetwork: str  #: whose lanes its jobs are sold in
    tags: tuple[str, ...]
    replay_of: UUID | None  #: the task that it is a replay of


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, with the lease that counts."""

    job_id: JobId
    slice: int
    input: int
    state: JobState
    units: int
    job_class: str
    attempts: int
    operator: Address | None
    prover_id: ProverId | None
    buy_price: int | None  #: base units per PU
    stage: str
    permille: int


@dataclass(frozen=True, slots=True)
class EventView:
    """Something that happened to a task."""

    seq: int
    kind: str
    data: str  #: a JSON object, as text: most who see it only hand it on
    at_ms: int


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event of one of the tasks that were asked about, or that there is none."""

    place: int  #: of the task, from 1
    has_ended: bool  #: or there is no such task
    seq: int | None
    kind: str | None
    data: str | None
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class LastEvent:
    """Of a task: its newest event, and whether another can follow."""

    seq: int  #: 0: it has none
    has_ended: bool


GET_TASK = query("get_task", TaskView)
LIST_TASKS = query("list_tasks", TaskView)
TASKS_WITH_TAG = query("tasks_with_tag", TaskView)
TASKS_BETWEEN = query("tasks_between", TaskView)
TASKS_TO_CANCEL = query("tasks_to_cancel", TaskId)
TASKS_TO_REPLAY = query("tasks_to_replay", TaskId)
JOBS_OF_TASK = query("jobs_of_task", JobView)
EVENTS_AFTER = query("events_after", FoundEvent)
LAST_EVENT = query("last_event", LastEvent)
