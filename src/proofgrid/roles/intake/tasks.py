"""What clients do with their tasks: submit, look, follow, cancel, fetch the result."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField, NotFinished, TaskCancelled, UnknownTask
from proofgrid.primitives.ids import Address, JobId, TaskId, uuids_between
from proofgrid.primitives.pages import BEYOND_MS, Page, before_uuid, page_of
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.watching import TaskWatch, as_events
from proofgrid.rules.access.api_keys import Scope, subnetwork_for
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.event_kinds import is_shown_whole, visible_to
from proofgrid.rules.jobs.filters import TaskFilter
from proofgrid.rules.jobs.lifecycle import JobState, TaskEvent
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.jobs.waiting import Waits
from proofgrid.store.database import Database
from proofgrid.store.stored_artifacts import ARTIFACT_SIZE
from proofgrid.store.task_views import (
    EVENTS_AFTER,
    GET_TASK,
    JOBS_OF_TASK,
    LAST_EVENT,
    LIST_TASKS,
    TASKS_BETWEEN,
    TASKS_WITH_TAG,
    EventView,
    JobView,
    TaskView,
)
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction

ALL_TASKS = TaskFilter()

#: A task and its client -> why each of its jobs waits that nobody proves.
WhyWaiting = Callable[[TaskId, Address], Awaitable[Mapping[JobId, Waits]]]


class Tasks:
    """A client has its own tasks, an administrator sees all. Raises UnknownTask for any other."""

    def __init__(self, database: Database, admission: Admission, watch: TaskWatch, *, why_waiting: WhyWaiting) -> None:
        self._database = database
        self._admission = admission
        self._watch = watch
        self._why_waiting = why_waiting

    @needs(Role.CLIENT, scopes=(Scope.TASKS_WRITE,))
    async def submit(self, caller: Caller, request: ProofRequest) -> TaskView:
        """Make a task of a request; raises what `Admission.submit` raises."""
        request = replace(request, subnetwork=subnetwork_for(caller.api_key, request.subnetwork))
        return await self._admission.submit(caller.address, request, api_key=caller.api_key_id)

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def get(self, caller: Caller, task_id: TaskId) -> tuple[TaskView, Sequence[JobView], Mapping[JobId, Waits]]:
        """Return a task, its jobs, and why those wait that nobody proves at this moment."""
        task = await self._own(caller, task_id)
        async with self._database.connection() as connection:
            jobs = await connection.fetch(JOBS_OF_TASK, task_id=task_id)
        waits: Mapping[JobId, Waits] = {}
        if any(job.state in (JobState.WAITING, JobState.READY) for job in jobs):
            waits = await self._why_waiting(task_id, task.client)
        return task, jobs, waits

    @needs(Role.CLIENT, scopes=(Scope.TASKS_READ,))
    async def list_own(
        self, caller: Caller, wanted: TaskFilter = ALL_TASKS, *, limit: int, begins: str = "", cursor: str = ""
    ) -> Page[TaskView]:
        """Return the caller's newest tasks that a filter finds; with `begins` those whose id begins so, and no tag."""
        asked = selecting(caller, wanted) | before_uuid(cursor, "tasks") | {"limit": list_limit(limit) + 1}
        async with self._database.connection() as connection:
            if begins:
                if wanted.tag:
                    raise InvalidField("a beginning of an id, or a tag", field="tag", hint="leave one of them out")
                first, last = uuids_between(begins, field="begins")
                rows = await connection.fetch(TASKS_BETWEEN, first=first, last=last, **asked)
            elif wanted.tag:
                rows = await connection.fetch(TASKS_WITH_TAG, tag=wanted.tag, **asked)
            else:
                rows = await connection.fetch(LIST_TASKS, **asked)
        return page_of(rows, limit=list_limit(limit), of="tasks", place=lambda one: (one.created_ms, str(one.task_id)))

    @needs(Role.CLIENT, Role.ADMIN, once=True, scopes=(Scope.TASKS_WRITE,))
    async def cancel(
        self, caller: Caller, task_id: TaskId
    ) -> tuple[TaskView, Sequence[JobView], Mapping[JobId, Waits]]:
        """End a task, if it has not ended yet, and return it."""
        await self._own(caller, task_id)
        async with self._database.transaction(Transaction.END_TASK) as connection:
            await end_task(
                connection, task_id, TaskEvent.CANCELLED, code=TaskCancelled.code, detail="cancelled by the client"
            )
        return await self.get(caller, task_id)

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def begins_after(self, caller: Caller, task_id: TaskId, *, cursor: int) -> tuple[int, bool]:
        """Return the cursor after which who has seen `cursor` goes on, and whether nothing will follow.

        Where no event has that cursor (of a network before it was restored, say) it is 0: all of it.
        """
        await self._own(caller, task_id)
        async with self._database.connection() as connection:
            last = await connection.first(LAST_EVENT, task_id=task_id)
        if last is None or cursor > last.seq:
            return 0, False
        return cursor, last.has_ended and cursor == last.seq

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def follow(self, caller: Caller, task_id: TaskId, *, cursor: int) -> AsyncIterator[EventView]:
        """Yield every event of a task after `cursor` until it has ended, as far as the caller may see it.

        Raises Unavailable when this gateway closes.
        """
        await self._own(caller, task_id)
        async for event in self._watch.follow(task_id, cursor):
            shown = _shown_to(caller, event)
            if shown is not None:
                yield shown

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def timeline(self, caller: Caller, task_id: TaskId, *, limit: int) -> list[EventView]:
        """Return the first events of a task, as far as the caller may see them."""
        await self._own(caller, task_id)
        async with self._database.connection() as connection:
            rows = await connection.fetch(EVENTS_AFTER, task_ids=[task_id], cursors=[0], limit=limit)
        shown = [_shown_to(caller, event) for event in as_events(rows)]
        return [event for event in shown if event is not None]

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.TASKS_READ,))
    async def result(self, caller: Caller, task_id: TaskId) -> tuple[Digest, int]:
        """Return the digest and the size in bytes of a task's bundle; raise NotFinished while there is none."""
        task = await self._own(caller, task_id)
        if task.bundle_digest is None:
            why = f": {task.failure_code} {task.failure_detail}" if task.failure_code else ""
            raise NotFinished(f"the task is {task.state}{why}", hint="proofgrid watch TASK follows it")
        async with self._database.connection() as connection:
            return task.bundle_digest, await connection.value(ARTIFACT_SIZE, digest=task.bundle_digest) or 0

    async def _own(self, caller: Caller, task_id: TaskId) -> TaskView:
        async with self._database.connection() as connection:
            task = await connection.first(GET_TASK, task_id=task_id)
        # Another client's task is as unknown as one that does not exist.
        if task is None or (task.client != caller.address and not caller.is_admin):
            raise UnknownTask(field="task_id")
        if caller.api_key is not None and caller.api_key.subnetwork not in ("", task.subnetwork):
            raise UnknownTask(field="task_id", hint=f"this API key is for the subnetwork {caller.api_key.subnetwork}")
        return task


def selecting(caller: Caller, wanted: TaskFilter) -> dict[str, object]:
    """Return what a filter demands of a caller's tasks, for a query: an API key sees those of its subnetwork."""
    return {
        "client": caller.address,
        "state": wanted.state,
        "program_digest": wanted.program_digest,
        "since_ms": wanted.since_ms,
        "until_ms": wanted.until_ms or BEYOND_MS,
        "subnetwork": "" if caller.api_key is None else caller.api_key.subnetwork,
    }


def _shown_to(caller: Caller, event: EventView) -> EventView | None:
    if is_shown_whole(caller.roles, event.kind):
        return event
    data = visible_to(caller.roles, event.kind, json.loads(event.data))
    return None if data is None else replace(event, data=json.dumps(data))
