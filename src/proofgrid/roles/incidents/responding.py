"""Counts lies, opens incidents, acts on those that are open, and ends those that are over.

    lie or incident is told --> count, act --> a look every second for what was missed, and for what ends

Any number of gateways may run one: rows decide who acts, and whoever dies before it acted leaves the incident as it
was.
"""

from __future__ import annotations

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.apart import each_alone
from proofgrid.roles.loop import Loop, rest_after
from proofgrid.rules.incidents.kinds import KINDS, Ends
from proofgrid.rules.incidents.signals import (
    REGION_OPERATORS,
    REGION_PROVERS,
    WINDOW_MS,
    LiePolicy,
    LiesOfEngine,
    LiesOfOperator,
    Signal,
    is_starving,
    region_is_silent,
    signal_of_engine,
    signals_of_operator,
    starves,
)
from proofgrid.store.census import CENSUS_OF_LANES
from proofgrid.store.database import Database
from proofgrid.store.incident_acts import act_on, end_by_itself
from proofgrid.store.incidents import open_incidents
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.signals import (
    FORGET_LIES,
    INCIDENTS_TO_ACT,
    LIES_OF_ENGINES,
    LIES_OF_OPERATORS,
    SILENT_REGIONS,
    STALE_INCIDENTS,
    CountedLies,
)
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.metrics.of_gateway import INCIDENT_ACTS

LOOK_SECONDS = 1.0
REGIONS_LOOK_SECONDS = 2.0
LANES_LOOK_SECONDS, LANES_LOOK_SECONDS_MAX = 3.0, 10.0  #: a look at lanes reads all that waits
OVER_MS = 25_000  #: a signal that nobody has seen for so long is gone; it is noted every ten seconds while it is there
LANES_MAX = 200
REGION_LATELY_MS = 300_000

log = structlog.get_logger(__name__)


class Responding:
    """Needs its `run` in a TaskGroup. `silent_ms`: how long a prover may be silent."""

    def __init__(self, database: Database, clock: Clock, *, silent_ms: int, policy: LiePolicy | None = None) -> None:
        self._database = database
        self._clock = clock
        self._silent_ms = silent_ms
        self._policy = policy or LiePolicy()
        self._next_regions = 0.0
        self._next_lanes = 0.0
        self._loop = Loop("incidents", self.step, retry_seconds=LOOK_SECONDS)

    def wake(self) -> None:
        """Somebody lied, or an incident was opened."""
        self._loop.wake()

    async def run(self) -> None:
        """Respond until cancelled."""
        await self._loop.run()

    async def step(self) -> float:
        """Look once at everything that is due; return how long to wait, in seconds."""
        await self._open(await self._lies())
        began = self._clock.running_seconds()
        if began >= self._next_regions:
            self._next_regions = began + REGIONS_LOOK_SECONDS
            await self._open(await self._regions())
        if began >= self._next_lanes:
            await self._open(await self._lanes())
            await self._database.write(Transaction.FORGET_LIES, FORGET_LIES)
        await self._act()
        await self._end()
        return LOOK_SECONDS

    async def _open(self, signals: list[Signal]) -> None:
        if signals:
            async with self._database.transaction(Transaction.OPEN_INCIDENT) as connection:
                await open_incidents(connection, signals)

    async def _act(self) -> None:
        async with self._database.connection(Urgency.ROUNDS) as connection:
            to_act = await connection.fetch(INCIDENTS_TO_ACT)

        async def act(incident_id: int) -> None:
            incident = await act_on(self._database, incident_id)
            if incident is not None:
                INCIDENT_ACTS.add(1, incident.row.act.value)
                log.warning("incident_acted", incident_id=incident_id, kind=incident.kind, act=incident.row.act.value)

        await each_alone(to_act, act, trouble="incident_not_acted_on")

    async def _end(self) -> None:
        kinds = [row.kind for row in KINDS.values() if row.ends is Ends.WHEN_OVER]
        async with self._database.connection(Urgency.ROUNDS) as connection:
            over = await connection.fetch(STALE_INCIDENTS, kinds=kinds, quiet_ms=OVER_MS)

        async def end(incident_id: int) -> None:
            if await end_by_itself(self._database, incident_id):
                log.info("incident_over", incident_id=incident_id)

        await each_alone(over, end, trouble="incident_not_ended")

    async def _lies(self) -> list[Signal]:
        async with self._database.connection(Urgency.ROUNDS) as connection:
            operators = await connection.fetch(LIES_OF_OPERATORS, window_ms=WINDOW_MS)
            engines = await connection.fetch(
                LIES_OF_ENGINES, window_ms=WINDOW_MS, proven_before=self._policy.proven_before
            )
        found = [signal for one in operators for signal in signals_of_operator(_of(one), self._policy)]
        by_engine = [
            LiesOfEngine(engine=one.engine, liars=one.liars, operators=one.operators or (), first_ms=one.first_ms)
            for one in engines
        ]
        return found + [signal for one in by_engine if (signal := signal_of_engine(one, self._policy)) is not None]

    async def _lanes(self) -> list[Signal]:
        began = self._clock.running_seconds()
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            lanes = await connection.fetch(
                CENSUS_OF_LANES, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=self._silent_ms, limit=LANES_MAX
            )
        ended = self._clock.running_seconds()
        rest = rest_after(ended - began, least=LANES_LOOK_SECONDS, most=LANES_LOOK_SECONDS_MAX)
        self._next_lanes = ended + rest
        return [
            starves(one.lane, one.oldest_ms) for one in lanes if one.affordable_units and is_starving(one.oldest_ms)
        ]

    async def _regions(self) -> list[Signal]:
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            silent = await connection.fetch(
                SILENT_REGIONS,
                lately_ms=REGION_LATELY_MS,
                silent_ms=self._silent_ms,
                provers=REGION_PROVERS,
                operators=REGION_OPERATORS,
            )
        return [region_is_silent(one.region, provers=one.provers, heard_ms=one.heard_ms) for one in silent]


def _of(row: CountedLies) -> LiesOfOperator:
    return LiesOfOperator(
        operator=row.operator,
        invalid=row.invalid,
        false=row.false,
        equivocations=row.equivocations,
        results=row.results,
        first_ms=row.first_ms,
    )
