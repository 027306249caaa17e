"""What is looked up before a request is admitted, and how tasks are written down with their jobs and their money."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The task that has a request's key already, if any, and how many tasks its client has open."""

    task_id: UUID | None
    request_digest: Digest | None
    open_tasks: int


LOOK_AROUND = query("look_around", Surroundings)
FIND_PROVEN_TASK = query("find_proven_task", UUID)
ADMIT_TASKS = query("admit_tasks", UUID)
