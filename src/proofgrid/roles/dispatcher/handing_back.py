"""Leases that come back without a proof: whose word is checked, and what they end for.

trouble --nobody can check it--> back to the market
   `--the gateway can--> the lease is held --checking.py, beside the stream--> back to the market
a result that was refused --> back to the market
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

import structlog

from proofgrid.primitives.errors import ProofgridError, Unavailable
from proofgrid.primitives.ids import LeaseId, TaskId
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.dispatcher.checking import CHECK_SECONDS, Checking
from proofgrid.roles.dispatcher.patience import patiently
from proofgrid.roles.dispatcher.session import Session
from proofgrid.rules.jobs.excuses import Checks, ExcuseRule, excuse_of
from proofgrid.rules.jobs.offers import HeldLease, JobReport, JobTrouble
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.database import Database
from proofgrid.store.leases import GET_LEASE, HOLD_LEASE, LEASES_OF_OPERATOR, LeaseAtHand
from proofgrid.store.transactions import Transaction

HOLD_MS = 60_000  #: longer than any check: its prover says no more of a lease that it handed back
AGAIN_SECONDS = 1.0
AGAIN_MAX = int((HOLD_MS / 1_000 - CHECK_SECONDS) / AGAIN_SECONDS)

log = structlog.get_logger(__name__)


class TakeBack(Protocol):
    """Ends a lease without a proof."""

    def __call__(
        self, task_id: TaskId, lease_id: LeaseId, reason: ReturnReason, detail: str, report: JobReport | None = None
    ) -> Awaitable[None]: ...


class HandingBack:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, checking: Checking, take_back: TakeBack) -> None:
        self._database = database
        self._checking = checking
        self._take_back = take_back
        self._checked: set[LeaseId] = set()  #: being checked now
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Check excuses until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.get_running_loop().create_future()

    async def excused(self, trouble: JobTrouble, session: Session) -> None:
        """Hear what a prover says of a lease that it hands back; a check goes on beside its stream.

        Raises Unavailable when the database is away.
        """
        lease = await patiently(lambda: self._own(trouble.held, session))
        if lease is None or lease.lease_id in self._checked:
            return
        rule = excuse_of(trouble.code)
        said = f"{trouble.code} {trouble.detail}"
        if rule.checks is Checks.NOBODY:
            await patiently(lambda: self._take_back(lease.task_id, lease.lease_id, rule.unknown, said))
            return
        held = await self._database.write(
            Transaction.NOTE_REPORTS, HOLD_LEASE, lease_id=lease.lease_id, hold_ms=HOLD_MS
        )
        if not held:
            return
        self._checked.add(lease.lease_id)
        checking = self._check(rule, lease, said)
        if self._group is None:
            await checking
        else:
            self._group.create_task(checking)

    async def refused(self, report: JobReport, session: Session, error: ProofgridError) -> None:
        """Take the lease of a result back that was not accepted."""
        lease = await self._own(report.held, session)
        if lease is not None:
            reason = await self._checking.why_refused(report, error)
            await self._take_back(lease.task_id, lease.lease_id, reason, str(error), report)

    async def own_leases(self, session: Session, held: Sequence[HeldLease]) -> set[LeaseId]:
        """Return which of these leases are, or were, this prover's operator's."""
        ids, fences = [one.lease_id for one in held], [one.fence for one in held]
        async with self._database.connection(Urgency.ROUNDS) as connection:
            own = await connection.fetch(LEASES_OF_OPERATOR, lease_ids=ids, fences=fences, operator=session.operator)
        return set(own)

    async def _own(self, held: HeldLease, session: Session) -> LeaseAtHand | None:
        """Return a lease of this prover's operator: it can only give back what is its own."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            lease = await connection.first(GET_LEASE, lease_id=held.lease_id)
        if lease is None or lease.fence != held.fence or lease.operator != session.operator:
            return None
        return lease

    async def _check(self, rule: ExcuseRule, lease: LeaseAtHand, said: str) -> None:
        try:
            for _ in range(AGAIN_MAX):
                try:
                    reason, found = await self._checking.check(rule, lease.lease_id)
                    ours = without_last_words(said)
                    detail = f"{ours} ({found}){said[len(ours) :]}" if found else said
                    await self._take_back(lease.task_id, lease.lease_id, reason, detail)
                except Unavailable as error:
                    log.warning("excuse_waits", lease_id=str(lease.lease_id), reason=str(error))
                    await asyncio.sleep(AGAIN_SECONDS)
                else:
                    return
        finally:
            self._checked.discard(lease.lease_id)
