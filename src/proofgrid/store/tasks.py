"""The steps that several roles take inside their transactions: events, transfers, the end of a task.

Lock order everywhere: the task's row, then its jobs and leases, then its firm quote, then accounts (by name, inside
post_transfers).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from proofgrid.primitives.ids import Address, JobId, Lane, LeaseId, TaskId
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
from proofgrid.store.combining import ClaimedTask
from proofgrid.store.connection import Connection
from proofgrid.store.leases import END_LEASE
from proofgrid.store.ledger import balance_of, balances_of
from proofgrid.store.queries import query
from proofgrid.store.transfers import post_transfers
from proofgrid.telemetry.metrics.of_gateway import LEASES_ENDED, TASKS_ENDED, TASKS_FAILED


@dataclass(frozen=True, slots=True)
class LockedTask:
    """A task under its row lock; its escrow in base units."""

    task_id: TaskId
    client: Address
    state: TaskState
    limit_price: int  #: base units per PU
    escrow: int
    quote_id: UUID | None
    hedges: int  #: second leases that it had


@dataclass(frozen=True, slots=True)
class HedgedTask:
    """A task under its row lock: did it have second leases, and was it redeemed with a firm quote?"""

    task_id: TaskId
    hedges: int
    quote_id: UUID | None


@dataclass(frozen=True, slots=True)
class RaisedTask:
    """A task under its row lock whose limit price, per PU, is due to rise."""

    task_id: TaskId
    limit_price: int
    raise_permille: int
    raise_every_ms: int
    raise_max: int
    now_ms: int
    sold_ms: int | None  #: when one of its jobs was sold last
    lanes: tuple[Lane, ...]  #: of jobs that nobody has yet


@dataclass(frozen=True, slots=True)
class LeftForRescuer:
    """What slashes left for whoever proves a job, in base units."""

    job_id: JobId
    balance: int


APPEND_EVENTS = query("append_events", None)
WAKE_LANES = query("wake_lanes", None)
LOCK_TASK = query("lock_task", LockedTask)
LOCK_TASKS = query("lock_tasks", HedgedTask)
END_TASK = query("end_task", TaskId)
END_OPEN_JOBS = query("end_open_jobs", None)
STOP_LEASES_OF_TASK = query("stop_leases_of_task", LeaseId)
TASKS_PAST_DEADLINE = query("tasks_past_deadline", TaskId)
NEXT_DEADLINE = query("next_deadline", int, optional=True)
TASKS_TO_RAISE = query("tasks_to_raise", TaskId)
NEXT_RAISE = query("next_raise", int, optional=True)
RAISES_OF_TASKS = query("raises_of_tasks", RaisedTask)
RAISE_LIMITS = query("raise_limits", None)
RESCUES_OF_TASK = query("rescues_of_task", LeftForRescuer)

_ENDING_JOB_STATE = {TaskState.FAILED: JobState.FAILED, TaskState.CANCELLED: JobState.CANCELLED}
_ENDING_EVENT = {TaskState.FAILED: Failed, TaskState.CANCELLED: Cancelled}


async def append_events(connection: Connection, events: Sequence[tuple[TaskId, Event]]) -> None:
    """Write tasks' events in this order, the tasks' rows locked; watchers are told when the transaction commits."""
    if events:
        await connection.run(
            APPEND_EVENTS,
            task_ids=[task_id for task_id, _ in events],
            kinds=[event.kind for _, event in events],
            data=[event.data() for _, event in events],
        )


async def append_event(connection: Connection, task_id: TaskId, event: Event) -> None:
    """Write one event of a task."""
    await append_events(connection, [(task_id, event)])


async def wake_lanes(connection: Connection, lanes: Sequence[str]) -> None:
    """Tell the markets that something changed in these lanes."""
    if lanes:
        await connection.run(WAKE_LANES, lanes=sorted(set(lanes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What the end of a task means for its client's money, in base units."""

    refunded: int
    spent: int
    penalty: int = 0  #: of a firm quote that was missed, on top


async def give_back(
    connection: Connection, task: LockedTask | ClaimedTask, state: TaskState, *, code: str = ""
) -> GivenBack:
    """Give back what is left in the escrow of a task that ends in `state`; settle its firm quote, if it has one."""
    task_id = str(task.task_id)
    rest = await balance_of(connection, escrow_account(task_id))
    if task.quote_id is not None:
        settled = await firm_quotes.settle(
            connection,
            task.quote_id,
            task_id=task.task_id,
            state=state,
            failure_code=code,
            rest=rest,
        )
        return GivenBack(refunded=settled.refunded, spent=settled.charged, penalty=settled.penalty)
    await post_transfers(connection, refund(task_id=task_id, client=task.client, remaining=rest))
    return GivenBack(refunded=rest, spent=task.escrow - rest)


async def give_back_all(connection: Connection, tasks: Sequence[ClaimedTask]) -> dict[TaskId, GivenBack]:
    """Give back what is left in the escrows of tasks that are done, their rows locked.

    A task with a firm quote moves money in several steps, and accounts are locked in one: it comes alone.
    """
    if len(tasks) == 1:
        return {task.task_id: await give_back(connection, task, TaskState.DONE) for task in tasks}
    if any(task.quote_id is not None for task in tasks):
        raise ValueError("a task with a firm quote is finished alone")
    rests = await balances_of(connection, [escrow_account(str(task.task_id)) for task in tasks])
    transfers: list[Transfer] = []
    backs: dict[TaskId, GivenBack] = {}
    for task in tasks:
        rest = rests.get(escrow_account(str(task.task_id)), 0)
        transfers += refund(task_id=str(task.task_id), client=task.client, remaining=rest)
        backs[task.task_id] = GivenBack(refunded=rest, spent=task.escrow - rest)
    await post_transfers(connection, transfers)
    return backs


#: What is paid for work that brought no proof: of a task's row and of the leases that are stopped with it.
Charge = Callable[[Connection, LockedTask, list[LeaseId]], Awaitable[list[Transfer]]]


async def end_task(
    connection: Connection,
    task_id: TaskId,
    event: TaskEvent,
    *,
    code: str = "",
    detail: str = "",
    charge: Charge | None = None,
) -> LockedTask | None:
    """End a task without a result: its jobs end, its leases are stopped, the rest of its escrow goes back.

    With a `charge` the escrow pays that first. Returns the task's row as it was, or None when the task had ended.
    """
    task = await connection.first(LOCK_TASK, task_id=task_id)
    if task is None or task.state not in task_sources(event):
        return None
    state = TASK_TRANSITIONS[task.state, event]
    stopped = await connection.fetch(
        STOP_LEASES_OF_TASK, task_id=task_id, reason=event.value, sources=[lease.value for lease in LEASE_HELD]
    )
    await connection.run(
        END_OPEN_JOBS,
        task_id=task_id,
        state=_ENDING_JOB_STATE[state].value,
        sources=[job.value for job in JOB_OPEN],
    )
    charges = await charge(connection, task, stopped) if charge is not None else []
    await post_transfers(connection, charges)
    charged = sum(one.amount for one in charges if one.debit == escrow_account(str(task_id)))
    await connection.run(
        END_TASK,
        task_id=task_id,
        state=state.value,
        sources=task_sources(event),
        code=code,
        detail=detail,
        charged=charged,
    )
    connection.once_committed(partial(_count_end, state, event, code, stopped=len(stopped)))
    compensated = await _compensate(connection, task)
    back = await give_back(connection, task, state, code=code)
    promised = task.quote_id is not None
    ended = _ENDING_EVENT[state](
        code=code,
        detail=detail,
        charged=back.spent if promised else charged,
        refunded=back.refunded,
        penalty=back.penalty if promised else None,
        compensated=compensated,
    )
    await append_event(connection, task_id, ended)
    return task


async def _compensate(connection: Connection, task: LockedTask) -> int | None:
    """Give the client what slashes left for rescuers of the task's jobs: nobody will prove these any more."""
    rescues = await connection.fetch(RESCUES_OF_TASK, task_id=task.task_id)
    for left in rescues:
        transfers = compensate(
            task_id=str(task.task_id), job_id=str(left.job_id), client=task.client, amount=left.balance
        )
        await post_transfers(connection, transfers)
    return sum(left.balance for left in rescues) if rescues else None


def _count_end(state: TaskState, event: TaskEvent, code: str, *, stopped: int) -> None:
    TASKS_ENDED.add(1, state.value)
    if state is TaskState.FAILED:
        TASKS_FAILED.add(1, code)
    LEASES_ENDED.add(stopped, LeaseState.STOPPED.value, event.value)


async def end_lease(
    connection: Connection, lease_id: LeaseId, state: LeaseState, *, reason: str = "", detail: str = ""
) -> bool:
    """End a lease that is still held; False when it had ended already."""
    ended = await connection.first(
        END_LEASE,
        lease_id=lease_id,
        state=state.value,
        sources=[lease.value for lease in LEASE_HELD],
        reason=reason,
        detail=detail[:2_000],
    )
    return ended is not None
