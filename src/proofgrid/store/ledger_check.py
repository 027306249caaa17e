"""What a look at the ledger reads: what moved, whether balances are the sums of their transfers, what tasks paid."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.ids import AccountId, TaskId
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class BalanceAndSum:
    """What an account holds, and what its transfers say; all in base units."""

    account: AccountId
    balance: int
    net: int  #: the sum of its transfers
    before: int  #: the sum of those before `from_ms`
    from_ms: int


@dataclass(frozen=True, slots=True)
class TaskFault:
    """What is wrong with the money of a task."""

    kind: str
    subject: str  #: the task's id
    detail: str


@dataclass(frozen=True, slots=True)
class MovedTask:
    """A task whose money moved."""

    task_id: TaskId
    jobs: int  #: that it was made of


LOCK_LEDGER_CHECK = query("lock_ledger_check", bool)
MOVED_SINCE = query("moved_since", AccountId)
TASKS_MOVED_SINCE = query("tasks_moved_since", MovedTask)
BALANCES_AND_SUMS = query("balances_and_sums", BalanceAndSum)
FAULTS_OF_TASKS = query("faults_of_tasks", TaskFault)
