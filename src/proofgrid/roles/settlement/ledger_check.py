"""Looks at the ledger again and again; what is wrong opens an incident, and an open incident stops settlement.

A look is cheap: accounts and tasks that money touched since the last one, and of busy accounts only what is new. Now
and then everything is looked at. The transaction that opens an incident is the one that looked.

After a look it waits nineteen times as long as the look worked, so whatever moves, looking is a twentieth of the time.
Waiting for a busy machine is no work: a look is charged for no more than what it read can have cost.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import AccountId
from proofgrid.roles.loop import Loop, rest_after
from proofgrid.rules.incidents.signals import of_violation
from proofgrid.rules.ledger.incidents import Checkpoint, Violation, check_balance, check_sum
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.incidents import open_incidents
from proofgrid.store.ledger import LEDGER_SUMS
from proofgrid.store.ledger_check import (
    BALANCES_AND_SUMS,
    FAULTS_OF_TASKS,
    LOCK_LEDGER_CHECK,
    MOVED_SINCE,
    TASKS_MOVED_SINCE,
    BalanceAndSum,
)
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.metrics.of_gateway import LEDGER_CHECKS

LOOK_SECONDS = 2.0
LOOK_COSTS_SECONDS = 0.01  #: at most, whatever it reads,
ROW_COSTS_SECONDS = 0.001  #: and for each account and job, ten times what it costs on a machine of today
FULL_LOOK_SECONDS = 3_600.0
LATE_MS = 2_000  #: a transaction that takes longer is seen when its accounts move again, or by the next full look
CHUNK = 1_000
KEPT_MAX = 100_000  #: accounts of which is known what was looked at

Item = TypeVar("Item")


class LedgerCheck:
    """Any number of gateways may run one; at any time one of them looks."""

    def __init__(self, database: Database, clock: Clock, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._next_full = clock.running_seconds()
        self._look_seconds = look_seconds
        self._since_ms: int | None = None  #: None: everything
        self._known: dict[AccountId, Checkpoint] = {}
        self._rows = 0  #: accounts and jobs of the last look

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("ledger_check", self.step, retry_seconds=self._look_seconds).run()

    async def step(self) -> float:
        """Look, at everything where that is due; return how long to wait for the next look, in seconds."""
        began = self._clock.running_seconds()
        full = began >= self._next_full
        looked = await self.look(full=full)
        ended = self._clock.running_seconds()
        if looked and full:
            self._next_full = ended + FULL_LOOK_SECONDS
        worked = min(ended - began, LOOK_COSTS_SECONDS + ROW_COSTS_SECONDS * self._rows)
        return rest_after(worked, least=self._look_seconds)

    async def look(self, *, full: bool = False) -> bool:
        """Look once; False when another gateway is looking."""
        self._rows = 0
        async with self._database.transaction(Transaction.CHECK_LEDGER) as connection:
            if not await connection.value(LOCK_LEDGER_CHECK):
                return False
            now_ms = await connection.value(DATABASE_TIME)
            found = [violation async for violation in self._violations(connection, None if full else self._since_ms)]
            await open_incidents(connection, [of_violation(one) for one in found])
        self._since_ms = now_ms - LATE_MS
        LEDGER_CHECKS.add(1, "violation" if found else "nothing")
        return True

    async def _violations(self, connection: Connection, since_ms: int | None) -> AsyncIterator[Violation]:
        if since_ms is None:
            self._known.clear()
            sums = await connection.value(LEDGER_SUMS)
            for violation in check_sum(sums.sum):
                yield violation
        for chunk in _chunks(await connection.fetch(MOVED_SINCE, since_ms=since_ms)):
            self._rows += len(chunk)
            for violation in await self._balances(connection, chunk):
                yield violation
        for tasks in _chunks(await connection.fetch(TASKS_MOVED_SINCE, since_ms=since_ms)):
            self._rows += sum(one.jobs for one in tasks)
            for fault in await connection.fetch(FAULTS_OF_TASKS, tasks=[one.task_id for one in tasks]):
                yield Violation(kind=fault.kind, subject=fault.subject, detail=fault.detail)

    async def _balances(self, connection: Connection, accounts: Sequence[AccountId]) -> list[Violation]:
        found: list[Violation] = []
        doubted: list[AccountId] = []
        for row in await self._sums(connection, accounts, self._known):
            if row.balance != row.net:
                doubted.append(row.account)
            elif not row.account.startswith("escrow:") and len(self._known) < KEPT_MAX:
                self._known[row.account] = Checkpoint(before=row.before, from_ms=row.from_ms)
        # A clock that went back can hide a transfer from us: who doubts reads all of them.
        for row in await self._sums(connection, doubted, {}) if doubted else []:
            self._known.pop(row.account, None)
            found += check_balance(row.account, balance=row.balance, net=row.net)
        return found

    async def _sums(
        self, connection: Connection, accounts: Sequence[AccountId], known: dict[AccountId, Checkpoint]
    ) -> list[BalanceAndSum]:
        points = [known.get(account, Checkpoint()) for account in accounts]
        return await connection.fetch(
            BALANCES_AND_SUMS,
            accounts=list(accounts),
            befores=[point.before for point in points],
            froms_ms=[point.from_ms for point in points],
        )


def _chunks(items: Sequence[Item]) -> Iterator[list[Item]]:
    for start in range(0, len(items), CHUNK):
        yield list(items[start : start + CHUNK])
