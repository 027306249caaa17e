"""Tasks that nobody could prove: why, who tried, and once more from the beginning when the reason is gone.

A replay is a new task of the same client, with a new escrow and the same jobs; it is linked to the old one, which stays
as it ended. A task is replayed once; a replay that fails is a dead letter of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.errors import InvalidField, UnknownTask
from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.pages import Page, before_uuid, page_of
from proofgrid.roles.intake.replaying import start_replay
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.dead_letters import (
    GET_DEAD_LETTER,
    LIST_DEAD_LETTERS,
    TRIES_OF_TASK,
    DeadLetter,
    FailedTry,
)
from proofgrid.store.tasks import LOCK_TASK
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class DeadLetters:
    """For administrators."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @needs(Role.ADMIN)
    async def list_all(self, *, limit: int, replayed: bool, cursor: str = "") -> Page[DeadLetter]:
        """Return the newest dead letters; those replayed already only when `replayed`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_DEAD_LETTERS,
                limit=list_limit(limit) + 1,
                replayed=replayed,
                **before_uuid(cursor, "dead_letters"),
            )
        return page_of(
            rows, limit=list_limit(limit), of="dead_letters", place=lambda one: (one.finished_ms, str(one.task_id))
        )

    @needs(Role.ADMIN)
    async def get(self, task_id: TaskId) -> tuple[DeadLetter, Sequence[FailedTry]]:
        """Return one dead letter with everybody who tried, oldest first; raise UnknownTask."""
        async with self._database.connection() as connection:
            letter = await _letter(connection, task_id)
            return letter, await connection.fetch(TRIES_OF_TASK, task_id=task_id)

    @needs(Role.ADMIN, once=True)
    async def replay(self, task_id: TaskId) -> tuple[DeadLetter, Sequence[FailedTry]]:
        """Make a new task of a dead one and return the letter that names it; a second call changes nothing.

        Raises UnknownTask, EngineStopped, InvalidField for a task that was redeemed with a firm quote, or
        InsufficientFunds when the client cannot pay the new escrow.
        """
        new_id = TaskId(fresh_uuid(self._clock))
        async with self._database.transaction(Transaction.REPLAY_TASK) as connection:
            dead = await connection.first(LOCK_TASK, task_id=task_id)
            letter = await _letter(connection, task_id)
            if letter.replayed_as is None and dead is not None and dead.quote_id is not None:
                raise InvalidField(
                    "it was redeemed with a firm quote, which is settled",
                    field="task_id",
                    hint="its client submits anew",
                )
            if await start_replay(connection, new_id, task_id) is not None:
                log.info("dead_letter_replayed", task_id=str(task_id), replayed_as=str(new_id))
        return await self.get(task_id)


async def _letter(connection: Connection, task_id: TaskId) -> DeadLetter:
    letter = await connection.first(GET_DEAD_LETTER, task_id=task_id)
    if letter is None:
        raise UnknownTask(f"task {task_id} is not in the dead-letter queue", field="task_id")
    return letter
