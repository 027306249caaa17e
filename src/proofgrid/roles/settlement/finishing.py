"""Tasks with their bundles are done: what is left of their escrow goes back, their clients are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import TaskId
from proofgrid.rules.jobs.events import Done
from proofgrid.rules.jobs.lifecycle import TaskEvent, task_sources
from proofgrid.store.combining import FINISH_TASKS, ClaimedTask
from proofgrid.store.connection import Connection
from proofgrid.store.tasks import append_events, give_back_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A task with its result and its bundle, which was verified as clients will."""

    task: ClaimedTask
    result: Json
    bundle: Digest
    size_bytes: int
    content: bytes | None  #: of a small bundle; None: it is in the artifact store


async def finish(connection: Connection, sealed: Sequence[Sealed]) -> list[TaskId]:
    """End tasks in the caller's transaction; return those that are done now.

    Whatever was cancelled meanwhile, or finished by another gateway, is left out. One with a firm quote comes alone.
    """
    done = await connection.fetch(
        FINISH_TASKS,
        task_ids=[one.task.task_id for one in sealed],
        results=[one.result for one in sealed],
        bundles=[one.bundle for one in sealed],
        sizes=[one.size_bytes for one in sealed],
        contents=[one.content for one in sealed],
        sources=task_sources(TaskEvent.COMBINED),
    )
    if done:
        by_task = {one.task.task_id: one for one in sealed}
        backs = await give_back_all(connection, [by_task[task_id].task for task_id in done])
        events = [
            (task_id, Done(bundle=by_task[task_id].bundle, refunded=back.refunded, spent=back.spent))
            for task_id, back in backs.items()
        ]
        await append_events(connection, events)
    return done
