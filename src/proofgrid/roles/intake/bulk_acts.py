"""Bulk acts: tasks are cancelled, or replayed, all that a filter finds, so many in one call.

    filter --newest first, so many--> the act is written down with its tasks, under its idempotency key
           --each by itself-------> cancelled | had_ended | replayed | refused, and why

Whatever dies on the way: the same key finds the same tasks again, and does what is left of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import digest_of_json
from proofgrid.primitives.errors import (
    IdempotencyConflict,
    InvalidField,
    ProofgridError,
    Recoverable,
    TaskCancelled,
)
from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.roles.intake.replaying import Replaying
from proofgrid.roles.intake.tasks import selecting
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.filters import TaskFilter
from proofgrid.rules.jobs.lifecycle import TaskEvent, TaskState
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX
from proofgrid.store.bulk_acts import GET_BULK_ACT, INSERT_BULK_ACT, BulkAct
from proofgrid.store.database import Database
from proofgrid.store.queries import Query
from proofgrid.store.task_views import GET_TASK, TASKS_TO_CANCEL, TASKS_TO_REPLAY
from proofgrid.store.tasks import end_task
from proofgrid.store.transactions import Transaction

COUNTED_MAX = 10_000
KEEP_MS = 30 * 86_400_000  #: for so long a key is known


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAct:
    """How an act is asked for."""

    limit: int = 0  #: tasks; 0: the usual number
    dry_run: bool = False
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one task."""

    task_id: UUID
    outcome: str  #: would_be_acted_on, cancelled, had_ended, replayed, refused
    replayed_as: UUID | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What an act did."""

    matching: int  #: tasks that the filter found when it began, counted so far only
    outcomes: list[Outcome]


class BulkActs:
    """A client's, on its own tasks."""

    def __init__(self, database: Database, replaying: Replaying) -> None:
        self._database = database
        self._replaying = replaying

    @needs(Role.CLIENT, once=True, scopes=(Scope.TASKS_WRITE,))
    async def cancel(self, caller: Caller, wanted: TaskFilter, asked: AskedAct) -> Acted:
        """Cancel open tasks that a filter finds. Raises InvalidField, IdempotencyConflict."""
        act = await self._begin(caller, "cancel", wanted, asked, TASKS_TO_CANCEL)
        if asked.dry_run:
            return _counted(act)
        return Acted(matching=act.matching, outcomes=[await self._cancelled(TaskId(one)) for one in act.task_ids])

    @needs(Role.CLIENT, once=True, scopes=(Scope.TASKS_WRITE,))
    async def replay(self, caller: Caller, wanted: TaskFilter, asked: AskedAct, *, limit_price: int) -> Acted:
        """Make new tasks of those that a filter finds among what failed or was cancelled and was not replayed.

        `limit_price`: most base units per PU, of each; 0: a fifth above what the market says as each is replayed.
        Raises InvalidField, IdempotencyConflict.
        """
        if not 0 <= limit_price <= PRICE_MAX:
            raise InvalidField(f"0 to {PRICE_MAX} base units per PU", field="limit_price")
        act = await self._begin(caller, f"replay at {limit_price}", wanted, asked, TASKS_TO_REPLAY)
        if asked.dry_run:
            return _counted(act)
        outcomes = [await self._replayed(caller, TaskId(one), limit_price) for one in act.task_ids]
        return Acted(matching=act.matching, outcomes=outcomes)

    async def _begin(
        self, caller: Caller, what: str, wanted: TaskFilter, asked: AskedAct, find: Query[TaskId]
    ) -> BulkAct:
        """Return the bulk act that has the key, or write it down: which tasks it is about is settled then."""
        key, limit = asked.idempotency_key, list_limit(asked.limit)
        digest = digest_of_json({"act": what, "filter": wanted.to_json(), "limit": limit})
        if not asked.dry_run:
            if not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARS_MAX:
                raise InvalidField(f"1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters", field="idempotency_key")
            known = await self._known(caller, key)
            if known is not None:
                return _the_same(known, digest, key)
        async with self._database.connection() as connection:
            found = await connection.fetch(find, tag=wanted.tag, limit=COUNTED_MAX, **selecting(caller, wanted))
        act = BulkAct(digest, len(found), tuple(found[:limit]))
        if asked.dry_run:
            return act
        async with self._database.transaction(Transaction.BEGIN_BULK_ACT) as connection:
            written = await connection.first(
                INSERT_BULK_ACT,
                client=caller.address,
                idempotency_key=key,
                request_digest=digest,
                matching=act.matching,
                task_ids=list(act.task_ids),
                keep_ms=KEEP_MS,
            )
        if written is not None:
            return act
        first = await self._known(caller, key)
        if first is None:
            raise Recoverable("the act with this key is not to be found", hint="try again in a moment")
        return _the_same(first, digest, key)

    async def _known(self, caller: Caller, key: str) -> BulkAct | None:
        async with self._database.connection() as connection:
            return await connection.first(GET_BULK_ACT, client=caller.address, idempotency_key=key)

    async def _cancelled(self, task_id: TaskId) -> Outcome:
        async with self._database.transaction(Transaction.END_TASK) as connection:
            await end_task(
                connection, task_id, TaskEvent.CANCELLED, code=TaskCancelled.code, detail="cancelled by the client"
            )
            task = await connection.value(GET_TASK, task_id=task_id)
        if task.state is TaskState.CANCELLED:
            return Outcome(task_id=task_id, outcome="cancelled")
        return Outcome(task_id=task_id, outcome="had_ended", detail=task.state.value)

    async def _replayed(self, caller: Caller, task_id: TaskId, limit_price: int) -> Outcome:
        try:
            made = await self._replaying.replay(
                caller.address, task_id, limit_price=limit_price, api_key=caller.api_key_id
            )
        except Recoverable:
            raise  # said of all of them: the same key goes on
        except ProofgridError as refusal:
            return Outcome(task_id=task_id, outcome="refused", code=refusal.code, detail=refusal.detail)
        return Outcome(task_id=task_id, outcome="replayed", replayed_as=made)


def _the_same(known: BulkAct, digest: str, key: str) -> BulkAct:
    if known.request_digest != digest:
        raise IdempotencyConflict(
            f"key {key!r} belongs to another act", field="idempotency_key", hint="use a new key for a new act"
        )
    return known


def _counted(act: BulkAct) -> Acted:
    return Acted(
        matching=act.matching,
        outcomes=[Outcome(task_id=one, outcome="would_be_acted_on") for one in act.task_ids],
    )
