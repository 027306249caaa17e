"""Looks at the ledger again and again; what is wrong opens an incident, and an open incident stops settlement.

A look is cheap: accounts and tasks that money touched since the last one, and of busy accounts only what is new. Now
and then everything is looked at. The transaction that opens an incident is the one that looked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.ledger.incidents import Checkpoint, Violation, check_balance, check_sum
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.ledger import LEDGER_SUMS
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 2.0
FULL_LOOK_SECONDS = 3_600.0
LATE_MS = 2_000  #: a transaction that takes longer is seen when its accounts move again, or by the next full look
CHUNK = 1_000
KEPT_MAX = 100_000  #: accounts of which is known what was looked at

log = structlog.get_logger(__name__)


class LedgerCheck:
    """Any number of gateways may run one; at any time one of them looks."""

    def __init__(self, database: Database, clock: Clock, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._clock = clock
        self._next_full = clock.running_seconds()
        self._look_seconds = look_seconds
        self._since_ms: int | None = None  #: None: everything
        self._known: dict[str, Checkpoint] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("ledger_check", every(self._look_seconds, self._look), retry_seconds=self._look_seconds).run()

    async def _look(self) -> None:
        full = self._clock.running_seconds() >= self._next_full
        if await self.look(full=full) and full:
            self._next_full = self._clock.running_seconds() + FULL_LOOK_SECONDS

    async def look(self, *, full: bool = False) -> bool:
        """Look once; False when another gateway is looking."""
        async with self._database.transaction(Transaction.CHECK_LEDGER) as connection:
            if not await connection.fetchval(QUERIES["lock_ledger_check"]):
                return False
            now_ms = await connection.value(DATABASE_TIME)
            found = [violation async for violation in self._violations(connection, None if full else self._since_ms)]
            opened = await self._open(connection, found) if found else []
        self._since_ms = now_ms - LATE_MS
        for row in opened:
            said = {name: row[name] for name in ("incident_id", "kind", "subject", "detail")}
            log.critical("incident_opened", **said)
        return True

    async def _violations(self, connection: Any, since_ms: int | None) -> Any:
        if since_ms is None:
            self._known.clear()
            sums = await connection.value(LEDGER_SUMS)
            for violation in check_sum(sums.sum):
                yield violation
        accounts = [row["account"] for row in await connection.fetch(QUERIES["moved_since"], since_ms)]
        for chunk in _chunks(accounts):
            for violation in await self._balances(connection, chunk):
                yield violation
        tasks = [row["task_id"] for row in await connection.fetch(QUERIES["tasks_moved_since"], since_ms)]
        for chunk in _chunks(tasks):
            for row in await connection.fetch(QUERIES["faults_of_tasks"], chunk):
                yield Violation(kind=row["kind"], subject=row["subject"], detail=row["detail"])

    async def _balances(self, connection: Any, accounts: Sequence[str]) -> list[Violation]:
        found, doubted = [], []
        for row in await self._sums(connection, accounts, self._known):
            if row["balance"] != row["net"]:
                doubted.append(row["account"])
            elif not row["account"].startswith("escrow:") and len(self._known) < KEPT_MAX:
                self._known[row["account"]] = Checkpoint(before=row["before"], from_ms=row["from_ms"])
        # A clock that went back can hide a transfer from us: who doubts reads all of them.
        for row in await self._sums(connection, doubted, {}) if doubted else []:
            self._known.pop(row["account"], None)
            found += check_balance(row["account"], balance=row["balance"], net=row["net"])
        return found

    async def _sums(self, connection: Any, accounts: Sequence[str], known: dict[str, Checkpoint]) -> Any:
        points = [known.get(account, Checkpoint()) for account in accounts]
        return await connection.fetch(
            QUERIES["balances_and_sums"],
            list(accounts),
            [point.before for point in points],
            [point.from_ms for point in points],
        )

    async def _open(self, connection: Any, found: Sequence[Violation]) -> list[Any]:
        rows: list[Any] = await connection.fetch(
            QUERIES["open_incidents"],
            [one.kind for one in found],
            [one.subject for one in found],
            [one.detail for one in found],
        )
        return rows


def _chunks(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), CHUNK):
        yield list(items[start : start + CHUNK])
