"""Finds leases that take longer than usual, tells their clients, and wishes for second leases that the market sells.

lane_times --p95--> slow leases --tasks locked, one transaction--> "slow" events, wishes in jobs' rows, lanes wake
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import structlog

from proofgrid.primitives.ids import JobId, LeaseId
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import together
from proofgrid.rules.jobs.events import Slow
from proofgrid.rules.jobs.hedging import (
    Hedge,
    HedgeJob,
    HedgePolicy,
    HedgeSupply,
    KindStats,
    RunningLease,
    is_slow,
    kind_stats,
    should_hedge,
)
from proofgrid.rules.jobs.speed import WHOLE_PERMILLE
from proofgrid.rules.scheduling.fitness import Fitness, barred_now
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.hedges import (
    LANE_PRESSURE,
    LANE_TIMES,
    SLOW_LEASES,
    WISH_HEDGES,
    LanePressure,
    LaneTimes,
    SlowLease,
)
from proofgrid.store.lanes import ServingProver, fitness_of, provers_of_lane
from proofgrid.store.tasks import LOCK_TASKS, append_events, wake_lanes
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class Stragglers:
    """Looks at running leases. Any number of gateways may: the tasks' locks decide who writes."""

    def __init__(self, database: Database, policy: HedgePolicy, *, silent_ms: int, horizon_ms: int) -> None:
        self._database = database
        self._policy = policy
        self._silent_ms = silent_ms
        self._horizon_ms = horizon_ms

    async def look(self, *, unheard: Collection[LeaseId] = ()) -> None:
        """Tell what became slow since the last time, and wish for second leases; not for what is in hand."""
        async with self._database.connection(Urgency.ROUNDS) as connection:
            kinds = self._kinds(await connection.fetch(LANE_TIMES))
            seen = await connection.fetch(SLOW_LEASES, **self._bounds(kinds)) if kinds else []
        seen = [row for row in self._slow(seen, kinds) if row.lease_id not in unheard]
        if any(self._is_news(row) for row in seen):
            await together(seen, lambda rows: self._tell(rows, kinds, unheard), trouble="slow_leases_not_told")

    async def _tell(
        self, seen: Sequence[SlowLease], kinds: Mapping[str, KindStats], unheard: Collection[LeaseId]
    ) -> None:
        async with self._database.transaction(Transaction.NOTE_SLOW) as connection:
            locked = await connection.fetch(LOCK_TASKS, task_ids=sorted({row.task_id for row in seen}))
            tasks = {task.task_id for task in locked}
            again = await connection.fetch(SLOW_LEASES, **self._bounds(kinds))
            seen_ids = {row.lease_id for row in seen}
            slow = [row for row in self._slow(again, kinds) if row.task_id in tasks and row.lease_id in seen_ids]
            await self._note(connection, slow, await self._wishes(connection, slow, kinds), kinds)

    def _kinds(self, rows: Sequence[LaneTimes]) -> dict[str, KindStats]:
        found = {row.lane: kind_stats(row.us_per_unit, self._policy) for row in rows}
        return {lane: kind for lane, kind in found.items() if kind is not None}

    def _bounds(self, kinds: Mapping[str, KindStats]) -> dict[str, object]:
        """Return what `SLOW_LEASES` asks for."""
        policy = self._policy
        return {
            "lanes": list(kinds),
            "us_per_unit": [kind.p95_us_per_unit * policy.slow_permille // WHOLE_PERMILLE for kind in kinds.values()],
            "start_ms": policy.start_ms,
            "hedges_max": policy.hedges_max,
        }

    def _slow(self, rows: Sequence[SlowLease], kinds: Mapping[str, KindStats]) -> list[SlowLease]:
        # The query's bounds are rounded; the rules decide.
        return [
            row for row in rows if is_slow(_running(row), row.units, kinds[row.lane], self._policy, now_ms=row.now_ms)
        ]

    def _is_news(self, row: SlowLease) -> bool:
        return row.slow_ms is None or (row.alone and row.hedging)

    async def _wishes(
        self, connection: Connection, slow: Sequence[SlowLease], kinds: Mapping[str, KindStats]
    ) -> dict[JobId, Hedge]:
        """Return the wishes by job."""
        wishes: dict[JobId, Hedge] = {}
        lanes: dict[str, _Supply] = {}
        for row in slow:
            lane = row.lane
            if not row.hedging or not row.alone:
                continue
            if lane not in lanes:
                lanes[lane] = await self._supply_of(connection, lane)
            job = HedgeJob(
                units=row.units,
                deadline_ms=row.deadline_ms,
                limit_price=row.limit_price,
                hedges=row.hedges,
            )
            supply = lanes[lane].for_job(row)
            wish = should_hedge(job, _running(row), kinds[lane], supply, self._policy, now_ms=row.now_ms)
            if wish is not None:
                wishes[row.job_id] = wish
                lanes[lane].hedges_open += 1
        return wishes

    async def _supply_of(self, connection: Connection, lane: str) -> _Supply:
        provers = await provers_of_lane(connection, lane, silent_ms=self._silent_ms)
        fitness = fitness_of(provers, lane, horizon_ms=self._horizon_ms)
        return _Supply(provers, fitness, await connection.value(LANE_PRESSURE, lane=lane))

    async def _note(
        self,
        connection: Connection,
        slow: Sequence[SlowLease],
        wishes: Mapping[JobId, Hedge],
        kinds: Mapping[str, KindStats],
    ) -> None:
        noted = [row for row in slow if row.slow_ms is None or row.job_id in wishes]
        wished = [wishes.get(row.job_id) for row in noted]
        await connection.run(
            WISH_HEDGES,
            job_ids=[row.job_id for row in noted],
            prices=[None if wish is None else wish.price for wish in wished],
            operators=[None if wish is None else wish.excluded_operator for wish in wished],
            wish_ms=self._policy.wish_ms,
        )
        news = [row for row in noted if row.slow_ms is None]
        events = [(row.task_id, _slow_event(row, kinds[row.lane])) for row in news]
        await append_events(connection, events)
        await wake_lanes(connection, [row.lane for row in noted if row.job_id in wishes])
        for row in noted:
            log.info("lease_slow", lease_id=str(row.lease_id), lane=row.lane, wished=row.job_id in wishes)


class _Supply:
    """What a lane has at this moment."""

    def __init__(self, provers: Sequence[ServingProver], fitness: Fitness, pressure: LanePressure) -> None:
        self._provers = provers
        self._fitness = fitness
        self._pressure = pressure
        self.hedges_open = pressure.hedges_open

    def for_job(self, row: SlowLease) -> HedgeSupply:
        """Return what of it could take a second lease of this job."""
        barred = barred_now(row.excluded, now_ms=row.now_ms) | {row.operator}
        unfit = self._fitness.unfit(units=row.units, memory_bytes=row.memory_bytes, barred=barred)
        free = sum(max(0, prover.free_slots) for prover in self._provers if prover.prover_id not in unfit)
        return HedgeSupply(
            free_slots_elsewhere=free,
            jobs_ready=self._pressure.jobs_ready,
            leases_held=self._pressure.leases_held,
            hedges_open=self.hedges_open,
        )


def _running(row: SlowLease) -> RunningLease:
    return RunningLease(
        kind=row.kind,
        state=row.state,
        operator=row.operator,
        buy_price=row.buy_price,
        sell_price=row.sell_price,
        started_ms=row.started_ms,
        permille=row.permille,
    )


def _slow_event(row: SlowLease, kind: KindStats) -> Slow:
    return Slow(
        slice=row.slice,
        input=row.input,
        prover=row.prover_id,
        running_ms=row.now_ms - row.started_ms,
        usual_ms=kind.median_us_per_unit * row.units // 1_000,
    )
