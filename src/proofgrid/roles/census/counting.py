"""Counts a network now and then and shows it as metrics: whoever scrapes every second asks the database nothing.

step --turn is another's--> shows nothing
  `--its own--> lanes, provers, work; once a minute money --> metrics
trouble, or the end --> shows nothing any more: old facts would look like new ones
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress

from proofgrid.primitives.clock import Clock
from proofgrid.roles.loop import Loop, rest_after
from proofgrid.store.census import (
    CENSUS_OF_LANES,
    CENSUS_OF_MONEY,
    CENSUS_OF_PROVERS,
    CENSUS_OF_WORK,
    CensusTurn,
    LaneCensus,
    ProverCensus,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.weather import PASSING_TROUBLE
from proofgrid.telemetry.metrics import of_network as shown
from proofgrid.telemetry.metrics.kinds import Gauge, Labels

BEAT_SECONDS = 10.0
MONEY_SECONDS = 60.0  #: all accounts are read for it

Numbers = Mapping[str, int]

#: What is set to nothing when nobody reads it here any more.
_SHOWN = (
    shown.LANE_OLDEST_WAIT,
    shown.LANE_WAITING,
    shown.LANE_WAITING_JOBS,
    shown.LANE_AFFORDABLE,
    shown.LANE_LOWEST_ASK,
    shown.LANE_PRICE,
    shown.LANE_RUNNING,
    shown.LANE_RUNNING_JOBS,
    shown.OPEN_TASKS,
    shown.OPEN_JOBS,
    shown.PROVERS,
    shown.PROVER_SLOTS,
    shown.GATEWAYS,
    shown.BALANCE,
    shown.INCIDENTS,
    shown.SETTLEMENT_STOPPED,
    shown.REPAIRS_WAITING,
    shown.AUDIT_WAITING,
    shown.FACTS_AGE,
)


class Census:
    """Any number of gateways may run one; at any time one of them reads. `silent_ms`: a lease lives so long unheard."""

    def __init__(self, database: Database, clock: Clock, *, silent_ms: int) -> None:
        self._turn = CensusTurn(database)
        self._clock = clock
        self._silent_ms = silent_ms
        self._read_at: float | None = None  #: by the running clock; None: nothing of this process is shown
        self._money_at = clock.running_seconds()

    async def run(self) -> None:
        """Count until cancelled."""
        try:
            await Loop("census", self.step, on_trouble=self._give_up, trouble="census_postponed").run()
        finally:
            await self._give_up()

    async def step(self) -> float:
        """Count once, if it is this process's turn; return when to count again, in seconds."""
        began = self._clock.running_seconds()
        connection = await self._turn.take()
        if connection is None:
            return BEAT_SECONDS
        await self._count(connection)
        self._read_at = ended = self._clock.running_seconds()
        return rest_after(ended - began, least=BEAT_SECONDS)

    def tell_age(self) -> None:
        """Show how old the facts are by now."""
        if self._read_at is not None:
            shown.FACTS_AGE.set(self._clock.running_seconds() - self._read_at)

    async def _count(self, connection: Connection) -> None:
        lanes = await connection.fetch(
            CENSUS_OF_LANES,
            gateway_silent_ms=GATEWAY_SILENT_MS,
            silent_ms=self._silent_ms,
            limit=shown.LANES_MAX,
        )
        provers = await connection.fetch(
            CENSUS_OF_PROVERS, gateway_silent_ms=GATEWAY_SILENT_MS, silent_ms=self._silent_ms
        )
        work = await connection.fetch(CENSUS_OF_WORK, gateway_silent_ms=GATEWAY_SILENT_MS)
        _show_lanes(lanes)
        _show_provers(provers)
        _show_work({one.name: one.number for one in work}, lanes)
        await self._count_money(connection)

    async def _count_money(self, connection: Connection) -> None:
        began = self._clock.running_seconds()
        if began < self._money_at:
            return
        kinds = await connection.fetch(CENSUS_OF_MONEY)
        balances: dict[Labels, float] = {(one.kind,): one.balance for one in kinds}
        shown.BALANCE.show({(name,): 0 for name in shown.BALANCES} | balances)
        ended = self._clock.running_seconds()
        self._money_at = ended + rest_after(ended - began, least=MONEY_SECONDS)

    async def _give_up(self) -> float:
        self._read_at = None
        self._money_at = self._clock.running_seconds()
        for metric in _SHOWN:
            metric.show({})
        with suppress(*PASSING_TROUBLE):
            await self._turn.give_back()
        return BEAT_SECONDS


def _show_lanes(lanes: Sequence[LaneCensus]) -> None:
    by_metric: dict[Gauge, dict[Labels, float]] = {
        shown.LANE_OLDEST_WAIT: {(one.lane,): one.oldest_ms / 1_000 for one in lanes},
        shown.LANE_WAITING: {(one.lane,): one.waiting_units for one in lanes},
        shown.LANE_WAITING_JOBS: {(one.lane,): one.waiting_jobs for one in lanes},
        shown.LANE_AFFORDABLE: {(one.lane,): one.affordable_units for one in lanes},
        shown.LANE_RUNNING: {(one.lane,): one.running_units for one in lanes},
        shown.LANE_RUNNING_JOBS: {(one.lane,): one.running_jobs for one in lanes},
        shown.LANE_LOWEST_ASK: {(one.lane,): one.lowest_ask for one in lanes if one.lowest_ask is not None},
        shown.LANE_PRICE: {(one.lane,): one.price for one in lanes if one.price is not None},
    }
    for metric, values in by_metric.items():
        metric.show(values)


def _show_provers(states: Sequence[ProverCensus]) -> None:
    provers: dict[Labels, float] = {(one.state,): one.provers for one in states}
    shown.PROVERS.show({(name,): 0 for name in shown.PROVER_STATES} | provers)
    serving = [one for one in states if one.state == "serving"]
    busy = sum(one.busy for one in serving)
    shown.PROVER_SLOTS.show({("busy",): busy, ("free",): max(0, sum(one.slots for one in serving) - busy)})


def _show_work(numbers: Numbers, lanes: Sequence[LaneCensus]) -> None:
    by_kind: dict[str, dict[Labels, float]] = defaultdict(dict)
    for name, number in numbers.items():
        kind, _, what = name.partition("/")
        by_kind[kind][(what,) if what else ()] = number
    jobs: dict[Labels, float] = {
        ("waiting",): numbers.get("job/waiting", 0),
        ("ready",): sum(one.waiting_jobs for one in lanes),
        ("leased",): sum(one.running_jobs for one in lanes),
    }
    shown.OPEN_JOBS.show(jobs)
    shown.OPEN_TASKS.show({("open",): 0, ("combining",): 0} | by_kind["task"])
    shown.GATEWAYS.set(numbers["gateways"])
    shown.REPAIRS_WAITING.set(numbers["repairs"])
    shown.AUDIT_WAITING.set(numbers["audit/waiting"])
    shown.AUDIT_ENTRIES.show({(): numbers["audit/placed"]})
    shown.SETTLEMENT_STOPPED.set(min(1, numbers["stopped"]))
    shown.INCIDENTS.show(by_kind["incident"])
    shown.SLASHES.show(by_kind["slashes"])
    shown.SLASHED.show({(): numbers["slashed"]})
