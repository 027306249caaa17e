"""What is looked up before a request is admitted, and how tasks are written down with their jobs and their money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from proofgrid.primitives.digests import Digest
from proofgrid.store.api_keys import refusal_of
from proofgrid.store.conflicts import AccountShort, KeyRefused, SubnetworkGone
from proofgrid.store.database import Database
from proofgrid.store.queries import query
from proofgrid.store.transactions import Transaction
from proofgrid.store.vault import locked_input


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The task that has a request's key already, if any, and how many tasks its client has open, if asked."""

    task_id: UUID | None
    request_digest: Digest | None
    open_tasks: int | None


@dataclass(frozen=True, slots=True)
class AdmittedTask:
    """A task that was written down, and what the database's clock says of it; milliseconds since the epoch."""

    task_id: UUID
    deadline_ms: int
    created_ms: int


LOOK_AROUND = query("look_around", Surroundings)
FIND_PROVEN_TASK = query("find_proven_task", UUID)
ADMIT_TASKS = query("admit_tasks", AdmittedTask)


async def admit_tasks(
    database: Database,
    tasks: Sequence[Mapping[str, object]],
    jobs: Sequence[Mapping[str, object]],
    small_inputs: Sequence[bytes | None],
    *,
    deadline_ms: int,
    origin: str,
) -> list[AdmittedTask]:
    """Write tasks down in a transaction of their own and return those whose key was not taken.

    `deadline_ms`: of tasks that name none, from now. `origin`: the gateway that wakes its own market itself, told
    behind the lane to whoever hears of it. Raises AccountShort when a client cannot pay, SubnetworkGone when
    a subnetwork was just removed, KeyRefused when an API key may not spend so much; then nothing was written.
    """
    try:
        return await database.write(
            Transaction.ADMIT_TASKS,
            ADMIT_TASKS,
            tasks=tasks,
            jobs=jobs,
            small_inputs=[locked_input(database.vault, content) for content in small_inputs],
            deadline_ms=deadline_ms,
            origin=origin,
        )
    except asyncpg.CheckViolationError:
        raise AccountShort from None
    except asyncpg.ForeignKeyViolationError:
        raise SubnetworkGone from None
    except asyncpg.PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise KeyRefused(refusal) from None
