"""Several gateways behind one address: started, kept alive, told who does which chores, and ended together.

    start --Prepared by all--> Living to all --Ready by all--> one "ready"
      `--one dies first: the whole ends with its reason
    one dies later --> its chores move, it is struck off --pause--> started again --Prepared--> its chores come back
      `--more than ten times in ten minutes: the whole ends (PG-303)
    one is silent for some seconds --> its chores move until it is heard again

The kernel spreads connections over the siblings, and gives those of a dead one's address to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import structlog

from proofgrid.bootstrap.gateway.adapters import embedded_database, keeper_of, open_keys
from proofgrid.bootstrap.gateway.doors import http_listen_of, listen_of, provers_listen_of
from proofgrid.bootstrap.gateway.metrics import listen_of_metrics
from proofgrid.bootstrap.gateway.running import GatewayFacts
from proofgrid.bootstrap.gateway.several.child import Child
from proofgrid.bootstrap.gateway.several.messages import (
    Begin,
    Counted,
    Drain,
    Ended,
    Living,
    Prepared,
    Ready,
    Report,
    Stop,
)
from proofgrid.bootstrap.gateway.several.numbers import NumbersOfAll
from proofgrid.doors.metrics.server import MetricsDoor
from proofgrid.doors.services.listening import Listen, reserved_port
from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.deaths import Deaths, ProcessLost
from proofgrid.primitives.errors import ProofgridError
from proofgrid.primitives.ids import GatewayId
from proofgrid.primitives.private_files import private_folder
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.keeper import Keeper
from proofgrid.telemetry.logs import configure_logs

LOOK_SECONDS = 0.5
SILENT_SECONDS = 3.0  #: its chores go to others; rows and locks keep them apart when it wakes up
DELAY_FIRST_SECONDS = 0.5  #: before one that died is started again; twice as long before each that follows
DELAY_MAX_SECONDS = 15.0
CALM_SECONDS = 60.0  #: after so long the next pause is the first one again
STOP_SECONDS = 10.0

log = structlog.get_logger(__name__)


async def run_siblings(
    settings: GatewaySettings, *, on_ready: Callable[[GatewayFacts], None], drain: asyncio.Event
) -> None:
    """Run the gateway as `settings.processes` processes; `on_ready` is called when all of them accept calls.

    Ends after `drain` is set and all have drained, or at once when cancelled. Raises what kept one from starting, and
    ProcessLost when one dies again and again.
    """
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    numbers = NumbersOfAll()
    async with _ground(settings) as (shared, keeper), _read_at(settings, numbers) as metrics:
        supervisor = Supervisor(
            shared, count=settings.processes, clock=SystemClock(), numbers=numbers if metrics else None
        )
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(supervisor.look())]
                helpers += [group.create_task(keeper.run())] if keeper is not None else []
                siblings = [group.create_task(supervisor.keep(number)) for number in supervisor.numbers]
                on_ready(replace(await supervisor.wait_ready(), metrics=metrics))
                await drain.wait()
                log.info("gateway_drains")
                supervisor.drain()
                await asyncio.wait(siblings)
                for helper in helpers:
                    helper.cancel()
        finally:
            await supervisor.end()


@asynccontextmanager
async def _ground(settings: GatewaySettings) -> AsyncIterator[tuple[GatewaySettings, Keeper | None]]:
    """What the siblings stand on: port, key and database; yields the settings of each."""
    data_dir = private_folder(settings.directory())
    async with AsyncExitStack() as stack:
        listen, http, provers = settings.listen, settings.http, settings.listen_provers
        if "api" in settings.role_names():
            listen = _taken(stack, listen_of(settings))
        if (wanted := http_listen_of(settings)) is not None:
            http = _taken(stack, wanted)
        if (wanted := provers_listen_of(settings)) is not None:
            provers = _taken(stack, wanted)
        async with open_keys(settings, data_dir):
            pass  # made on the first start, by one, and looked at before any sibling is started
        embedded = await stack.enter_async_context(embedded_database(settings, data_dir))
        dsn = settings.dsn if embedded is None else embedded.dsn
        shared = replace(
            settings.of_each_process(), listen=listen, http=http, listen_provers=provers, dsn=dsn, metrics=""
        )
        yield shared, keeper_of(embedded, patience_seconds=settings.database_patience_seconds)


def _taken(stack: AsyncExitStack, wanted: Listen) -> str:
    return f"{wanted.host}:{stack.enter_context(reserved_port(wanted))}"


@asynccontextmanager
async def _read_at(settings: GatewaySettings, numbers: NumbersOfAll) -> AsyncIterator[str]:
    """Let metrics of all siblings be read; yields where, empty for nowhere."""
    listen = listen_of_metrics(settings)
    if listen is None:
        yield ""
        return
    door = MetricsDoor(listen, numbers.read)
    await door.open()
    try:
        yield door.address
    finally:
        await door.close()


class Supervisor:
    """Needs `look` and a `keep` of each number in a TaskGroup, and `end` whatever comes of them."""

    def __init__(
        self,
        settings: GatewaySettings,
        *,
        count: int,
        clock: Clock,
        start: Callable[[int], Awaitable[Child]] = Child.start,
        numbers: NumbersOfAll | None = None,
    ) -> None:
        """`numbers`: where the metrics of all are kept; None: nobody reads them."""
        self.numbers = range(1, count + 1)
        self._settings = settings
        self._clock = clock
        self._start = start
        self._metrics = numbers
        self._children: dict[int, Child] = {}
        self._facts: dict[int, GatewayFacts] = {}
        self._have_begun = False  #: all were ready once
        self._all_ready = asyncio.Event()
        self._drains = asyncio.Event()
        self._told: Living | None = None

    async def wait_ready(self) -> GatewayFacts:
        """Return the facts of the gateway once all siblings accept calls."""
        await self._all_ready.wait()
        return replace(self._facts[1], processes=len(self.numbers))

    async def keep(self, number: int) -> None:
        """Run one sibling, again and again, until all are asked to drain."""
        deaths, delay_seconds = Deaths(), DELAY_FIRST_SECONDS
        while True:
            began = self._clock.running_seconds()
            error = await self._live(number)
            if self._drains.is_set():
                return
            if not self._all_ready.is_set():
                raise error
            now = self._clock.running_seconds()
            log.error("process_died", number=number, reason=error.detail)
            if too_often := deaths.one_more(now):
                raise ProcessLost(
                    f"process {number} of the gateway died {too_often}; the last time: {error.detail}",
                    hint=error.hint or "see the log before each death, and who kills it (is there enough memory?)",
                )
            if now - began > CALM_SECONDS:
                delay_seconds = DELAY_FIRST_SECONDS
            await self._pause(delay_seconds)
            if self._drains.is_set():
                return
            delay_seconds = min(2 * delay_seconds, DELAY_MAX_SECONDS)

    async def _pause(self, seconds: float) -> None:
        until = self._clock.running_seconds() + seconds
        while not self._drains.is_set() and (left := until - self._clock.running_seconds()) > 0:
            await self._clock.sleep(min(left, LOOK_SECONDS))

    async def look(self) -> None:
        """Share the chores of those that have fallen silent; until cancelled."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self._share_chores()

    def drain(self) -> None:
        """Let all of them drain and end."""
        self._drains.set()
        for child in self._children.values():
            child.send(Drain())

    async def end(self) -> None:
        """End what still lives."""
        self._drains.set()
        children = list(self._children.values())
        for child in children:
            child.send(Stop())
        async with asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.end(patience_seconds=STOP_SECONDS))

    async def _live(self, number: int) -> ProofgridError:
        """Run one sibling until it ends; return why."""
        child = await self._start(number)
        self._children[number] = child
        child.heard_at = self._clock.running_seconds()
        counts = self._metrics is not None
        child.send(Begin(settings=self._settings, number=number, count=len(self.numbers), counts=counts))
        if self._drains.is_set():
            child.send(Stop())
        error: ProofgridError | None = None
        async for report in child.reports():
            child.heard_at = self._clock.running_seconds()
            if isinstance(report, Ended):
                error = report.error
            else:
                self._hear(number, child, report)
        died_of = await child.exit_text()
        if self._metrics is not None:
            self._metrics.gone(number)
        if self._children.get(number) is child:
            del self._children[number]
        self._share_chores(dead=() if child.gateway_id is None else (child.gateway_id,))
        return error or ProofgridError(f"process {number} of the gateway died: {died_of}")

    def _hear(self, number: int, child: Child, report: Report) -> None:
        match report:
            case Prepared(gateway_id):
                child.gateway_id = gateway_id
                self._share_chores()
            case Counted(told) if self._metrics is not None:
                self._metrics.hear(number, told)
            case Ready(facts):
                self._facts[number] = facts
                if len(self._facts) == len(self.numbers):
                    self._all_ready.set()

    def _share_chores(self, dead: tuple[GatewayId, ...] = ()) -> None:
        """Tell everybody who lives, if that is news; nothing before all are there."""
        now = self._clock.running_seconds()
        prepared = {number: child for number, child in self._children.items() if child.gateway_id is not None}
        self._have_begun |= len(prepared) == len(self.numbers)
        if not self._have_begun:
            return
        living = tuple(number for number, child in sorted(prepared.items()) if now - child.heard_at < SILENT_SECONDS)
        told = Living(numbers=living, dead=dead)
        if told == self._told and not dead:
            return
        for number in set(prepared) - set(living):
            log.warning("process_silent", number=number)
        self._told = replace(told, dead=())
        for child in prepared.values():
            child.send(told)
