"""Takes back expired leases, ends overdue tasks, raises limits, looks for stragglers; sleeps till the next is due.

Firm quotes that nobody used in time end here as well, and tasks whose engine was stopped.
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import DeadlineMissed, SettlementStopped
from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import each_alone
from proofgrid.roles.dispatcher.clocks import Clocks
from proofgrid.roles.dispatcher.desk import DispatchSettings
from proofgrid.roles.dispatcher.hearing import lease_times
from proofgrid.roles.dispatcher.in_hand import Late
from proofgrid.roles.dispatcher.ladders import raise_limits
from proofgrid.roles.dispatcher.overflow import Overflow
from proofgrid.roles.dispatcher.returns import return_job
from proofgrid.roles.dispatcher.stopped_engines import StoppedEngines
from proofgrid.roles.dispatcher.stragglers import Stragglers
from proofgrid.roles.loop import Loop
from proofgrid.rules.jobs.lifecycle import TaskEvent
from proofgrid.rules.jobs.phases import OVERRUNS, Overrun, check_lease
from proofgrid.store import firm_quotes
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.incidents import IS_STOPPED, KEEP_REPORTED_LEASES
from proofgrid.store.leases import (
    EXPIRED_LEASES,
    LOCK_LEASE,
    NEXT_EXPIRY,
    WAS_HEARD,
    ExpiredLease,
)
from proofgrid.store.tasks import LOCK_TASK, NEXT_DEADLINE, NEXT_RAISE, TASKS_PAST_DEADLINE, end_task
from proofgrid.store.transactions import Transaction

SLEEP_MAX_SECONDS = 1.0  #: new leases and deadlines come without notice, and never expire sooner than this
STRAGGLERS_EVERY_SECONDS = 0.9
AFTER_TROUBLE_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Watch:
    """The dispatcher's clock. Any number of gateways may run one: the rows' locks decide who acts."""

    def __init__(self, database: Database, settings: DispatchSettings, clock: Clock, clocks: Clocks) -> None:
        self._database = database
        self._clocks = clocks
        self._clock = clock
        self._settings = settings
        self._loop = Loop("watch", self._look, on_trouble=self._go_blind)
        self._blind = False  #: nobody could note heartbeats for a while
        self._stragglers = Stragglers(
            database, settings.hedging, silent_ms=settings.lease_ttl_ms, horizon_ms=settings.horizon_ms
        )
        self._overflow = Overflow(database)
        self._stopped_engines = StoppedEngines(database)
        self._next_look = 0.0

    def wake(self) -> None:
        """Something may expire earlier than thought."""
        self._loop.wake()

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._loop.run()

    async def _look(self) -> float:
        late = await self._clocks.stop(everywhere=self._blind)
        self._blind = False
        await self.take_back_expired()
        await self.end_overdue()
        if await self._stopped_engines.look():
            self._loop.wake()
        await raise_limits(self._database)
        if not late.everybody:  # what seems slow then is this gateway
            await self._look_for_stragglers(late)
        return await self._until_next()

    async def _go_blind(self) -> float:
        self._blind = True
        return AFTER_TROUBLE_SECONDS

    async def _look_for_stragglers(self, late: Late) -> None:
        # The watch is woken at every cut stream; stragglers and jobs that wait are looked for at their own pace.
        now = self._clock.running_seconds()
        if now >= self._next_look:
            self._next_look = now + STRAGGLERS_EVERY_SECONDS
            await self._stragglers.look(unheard=late.lease_ids)
            await self._overflow.look()
            with suppress(SettlementStopped):  # they are given back later
                await firm_quotes.expire(self._database)

    async def take_back_expired(self) -> None:
        """Give every job of an expired lease back to the market."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            rows = await connection.fetch(EXPIRED_LEASES)
        await each_alone(rows, self._take_back, trouble="lease_not_taken_back")

    async def _take_back(self, row: ExpiredLease) -> None:
        # A task that would end by it while settlement is stopped ends later.
        with suppress(SettlementStopped):
            await self._take_one_back(row)

    async def _take_one_back(self, row: ExpiredLease) -> None:
        async with self._database.transaction(Transaction.RETURN_JOB) as connection:
            overrun = await self._why(connection, row)
            if overrun is not None:
                reason, detail = OVERRUNS[overrun]
                await return_job(
                    connection,
                    row.task_id,
                    row.lease_id,
                    reason,
                    detail=detail,
                    attempts_max=self._settings.attempts_max,
                    reputation=self._settings.reputation,
                )

    async def _why(self, connection: Connection, row: ExpiredLease) -> Overrun | None:
        # A heartbeat may have come between reading and locking.
        await connection.run(LOCK_TASK, task_id=row.task_id)
        lease = await connection.value(LOCK_LEASE, lease_id=row.lease_id)
        now_ms = await connection.value(DATABASE_TIME)
        overrun = check_lease(lease_times(lease), now_ms=now_ms)
        if overrun is not Overrun.NOT_JUDGED and self._clocks.in_hand.is_decided(row.lease_id):
            return None  # its result came in the meantime
        if overrun is Overrun.NOT_PICKED_UP:
            pick_up_ms = self._settings.phases.pick_up_ms
            if not await connection.value(WAS_HEARD, lease_id=row.lease_id, pick_up_ms=pick_up_ms):
                return Overrun.NOT_TOLD  # its gateway or its line may have died with the offer: nobody can say
        return overrun

    async def end_overdue(self) -> None:
        """Fail the tasks whose deadline has passed, with a refund."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            overdue = await connection.fetch(TASKS_PAST_DEADLINE)
        await each_alone(overdue, self._end, trouble="overdue_task_not_ended")

    async def _end(self, task_id: TaskId) -> None:
        with suppress(SettlementStopped):
            await self._end_one(task_id)

    async def _end_one(self, task_id: TaskId) -> None:
        async with self._database.transaction(Transaction.END_TASK) as connection:
            await end_task(
                connection,
                task_id,
                TaskEvent.GAVE_UP,
                code=DeadlineMissed.code,
                detail="the deadline passed before all slices were proven",
            )

    async def _until_next(self) -> float:
        async with self._database.connection(Urgency.ROUNDS) as connection:
            stopped = await connection.value(IS_STOPPED)
            waits_ms = [
                await connection.value(NEXT_EXPIRY),
                await connection.value(NEXT_DEADLINE),
                await connection.value(NEXT_RAISE),
            ]
        if stopped:
            # What is due cannot be done; what was proven shall still be paid when settlement goes on.
            await self._database.write(
                Transaction.EXTEND_LEASES, KEEP_REPORTED_LEASES, report_ms=self._settings.phases.report_ms
            )
            return SLEEP_MAX_SECONDS
        known = [max(wait_ms, 0) / 1000 for wait_ms in waits_ms if wait_ms is not None]
        return float(min([SLEEP_MAX_SECONDS, *known]))
