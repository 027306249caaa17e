"""Tasks that nobody could prove: why, who tried, and once more from the beginning when the reason is gone.

A replay is a new task of the same client, with a new escrow and the same jobs; it is linked to the old one, which stays
as it ended. A task is replayed once; a replay that fails is a dead letter of its own.
"""

from __future__ import annotations

from typing import Any

import structlog

from proofgrid.primitives.clock import SystemClock, fresh_uuid
from proofgrid.primitives.errors import InvalidField, UnknownTask
from proofgrid.primitives.ids import Address, TaskId
from proofgrid.rules.jobs.events import Accepted
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.ledger.settlement import escrow
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.tasks import append_event, wake_lanes
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from proofgrid.wire.v1 import client_pb2 as messages

log = structlog.get_logger(__name__)


async def list_dead_letters(database: Database, *, limit: int, replayed: bool) -> list[messages.DeadLetter]:
    """Return the newest dead letters, without who tried; those replayed already only when `replayed`."""
    async with database.connection() as connection:
        rows = await connection.fetch(QUERIES["list_dead_letters"], list_limit(limit), replayed)
    return [_letter(row) for row in rows]


async def get_dead_letter(database: Database, task_id: TaskId) -> messages.DeadLetter:
    """Return one dead letter with everybody who tried; raise UnknownTask."""
    async with database.connection() as connection:
        row = await connection.fetchrow(QUERIES["get_dead_letter"], task_id)
        if row is None:
            raise UnknownTask(f"task {task_id} is not in the dead-letter queue", field="task_id")
        letter = _letter(row)
        letter.tries.extend(_try(lease) for lease in await connection.fetch(QUERIES["tries_of_task"], task_id))
    return letter


async def replay_dead_letter(database: Database, task_id: TaskId) -> messages.DeadLetter:
    """Make a new task of a dead one and return the letter that names it; a second call changes nothing.

    Raises UnknownTask, or InsufficientFunds when the client cannot pay the new escrow.
    """
    new_id = TaskId(fresh_uuid(SystemClock()))
    async with database.transaction(Transaction.REPLAY_TASK) as connection:
        dead = await connection.fetchrow(QUERIES["lock_task"], task_id)
        if await connection.fetchrow(QUERIES["get_dead_letter"], task_id) is None:
            raise UnknownTask(f"task {task_id} is not in the dead-letter queue", field="task_id")
        task = await connection.fetchrow(QUERIES["replay_task"], new_id, task_id)
        if task is not None and dead["quote_id"] is not None:
            raise InvalidField(
                "it was redeemed with a firm quote, which is settled", field="task_id", hint="its client submits anew"
            )
        if task is not None:
            await _start(connection, task, task_id)
            log.info("dead_letter_replayed", task_id=str(task_id), replayed_as=str(new_id))
    return await get_dead_letter(database, task_id)


async def _start(connection: Any, task: Any, dead_id: TaskId) -> None:
    jobs = await connection.fetch(QUERIES["replay_jobs"], task["task_id"], dead_id)
    await post_transfers(
        connection,
        escrow(
            task_id=str(task["task_id"]),
            client=Address(task["client"]),
            limit_price=task["limit_price"],
            units=task["units"],
        ),
    )
    await append_event(
        connection,
        TaskId(task["task_id"]),
        Accepted(
            program=task["program_digest"],
            jobs=[{"slice": job["slice"], "input": job["input"], "units": job["units"]} for job in jobs],
            units=task["units"],
            limit_price=task["limit_price"],
            escrow=task["escrow"],
            replay_of=str(dead_id),
        ),
    )
    await wake_lanes(connection, [job["lane"] for job in jobs])


def _letter(row: Any) -> messages.DeadLetter:
    return messages.DeadLetter(
        task_id=str(row["task_id"]),
        client=row["client"],
        program_digest=row["program_digest"],
        code=row["failure_code"],
        detail=row["failure_detail"],
        failed_ms=row["finished_ms"],
        replay_of=str(row["replay_of"] or ""),
        replayed_as=str(row["replayed_as"] or ""),
    )


def _try(row: Any) -> messages.DeadLetterTry:
    return messages.DeadLetterTry(
        slice=row["slice"],
        input=row["input"],
        prover=row["prover_id"],
        operator=row["operator"],
        reason=row["reason"],
        detail=row["detail"],
        ended_ms=row["ended_ms"] or 0,
    )
