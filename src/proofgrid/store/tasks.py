"""The steps that several roles take inside their transactions: events, transfers, the end of a task.

Lock order everywhere: the task's row, then its jobs and leases, then its firm quote, then accounts (by name, inside
post_transfers).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from proofgrid.primitives.ids import Address, TaskId
from proofgrid.rules.jobs.event_kinds import Event
from proofgrid.rules.jobs.events import Cancelled, Failed
from proofgrid.rules.jobs.lifecycle import (
    JOB_OPEN,
    LEASE_HELD,
    TASK_TRANSITIONS,
    JobState,
    LeaseState,
    TaskEvent,
    TaskState,
    task_sources,
)
from proofgrid.rules.ledger.accounts import Transfer, escrow_account
from proofgrid.rules.ledger.settlement import refund
from proofgrid.rules.ledger.stakes import compensate
from proofgrid.store import firm_quotes
from proofgrid.store.ledger import balance_of
from proofgrid.store.queries import QUERIES
from proofgrid.store.transfers import post_transfers

_ENDING_JOB_STATE = {TaskState.FAILED: JobState.FAILED, TaskState.CANCELLED: JobState.CANCELLED}
_ENDING_EVENT = {TaskState.FAILED: Failed, TaskState.CANCELLED: Cancelled}


async def append_events(connection: Any, events: Sequence[tuple[TaskId, Event]]) -> None:
    """Write tasks' events in this order, the tasks' rows locked; watchers are told when the transaction commits."""
    if events:
        await connection.execute(
            QUERIES["append_events"],
            [task_id for task_id, _ in events],
            [event.kind for _, event in events],
            [event.data() for _, event in events],
        )


async def append_event(connection: Any, task_id: TaskId, event: Event) -> None:
    """Write one event of a task."""
    await append_events(connection, [(task_id, event)])


async def wake_lanes(connection: Any, lanes: Sequence[str]) -> None:
    """Tell the markets that something changed in these lanes."""
    if lanes:
        await connection.execute(QUERIES["wake_lanes"], sorted(set(lanes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What the end of a task means for its client's money, in base units."""

    refunded: int
    spent: int
    penalty: int = 0  #: of a firm quote that was missed, on top


async def give_back(connection: Any, task: asyncpg.Record, state: TaskState, *, code: str = "") -> GivenBack:
    """Give back what is left in the escrow of a task that ends in `state`; settle its firm quote, if it has one."""
    task_id = str(task["task_id"])
    rest = await balance_of(connection, escrow_account(task_id))
    if task["quote_id"] is not None:
        settled = await firm_quotes.settle(
            connection,
            task["quote_id"],
            task_id=task["task_id"],
            state=state,
            failure_code=code,
            escrow=task["escrow"],
            rest=rest,
        )
        return GivenBack(refunded=settled.refunded, spent=settled.charged, penalty=settled.penalty)
    await post_transfers(connection, refund(task_id=task_id, client=Address(task["client"]), remaining=rest))
    return GivenBack(refunded=rest, spent=task["escrow"] - rest)


#: What is paid for work that brought no proof: of a task's row and of the leases that are stopped with it.
Charge = Callable[[Any, asyncpg.Record, list[Any]], Awaitable[list[Transfer]]]


async def end_task(
    connection: Any,
    task_id: TaskId,
    event: TaskEvent,
    *,
    code: str = "",
    detail: str = "",
    charge: Charge | None = None,
) -> asyncpg.Record | None:
    """End a task without a result: its jobs end, its leases are stopped, the rest of its escrow goes back.

    With a `charge` the escrow pays that first. Returns the task's row as it was, or None when the task had ended.
    """
    task: asyncpg.Record | None = await connection.fetchrow(QUERIES["lock_task"], task_id)
    if task is None or task["state"] not in task_sources(event):
        return None
    state = TASK_TRANSITIONS[TaskState(task["state"]), event]
    held = [lease.value for lease in LEASE_HELD]
    stopped = await connection.fetch(QUERIES["stop_leases_of_task"], task_id, event.value, held)
    await connection.execute(
        QUERIES["end_open_jobs"], task_id, _ENDING_JOB_STATE[state].value, [job.value for job in JOB_OPEN]
    )
    charges = await charge(connection, task, [row["lease_id"] for row in stopped]) if charge is not None else []
    await post_transfers(connection, charges)
    charged = sum(one.amount for one in charges if one.debit == escrow_account(str(task_id)))
    await connection.execute(QUERIES["end_task"], task_id, state.value, task_sources(event), code, detail, charged)
    rescues = await connection.fetch(QUERIES["rescues_of_task"], task_id)
    for row in rescues:  # nobody will prove these any more
        client = Address(task["client"])
        await post_transfers(
            connection,
            compensate(task_id=str(task_id), job_id=str(row["job_id"]), client=client, amount=row["balance"]),
        )
    back = await give_back(connection, task, state, code=code)
    promised = task["quote_id"] is not None
    ended = _ENDING_EVENT[state](
        code=code,
        detail=detail,
        charged=back.spent if promised else charged,
        refunded=back.refunded,
        penalty=back.penalty if promised else None,
        compensated=sum(row["balance"] for row in rescues) if rescues else None,
    )
    await append_event(connection, task_id, ended)
    return task


async def end_lease(connection: Any, lease_id: Any, state: LeaseState, *, reason: str = "", detail: str = "") -> bool:
    """End a lease that is still held; False when it had ended already."""
    held = [lease.value for lease in LEASE_HELD]
    return (
        await connection.fetchval(QUERIES["end_lease"], lease_id, state.value, held, reason, detail[:2_000])
    ) is not None
