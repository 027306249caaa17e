"""Where a gateway's metrics are read, and what is looked up when somebody reads them.

One process shows its own numbers. Of several each tells its numbers to the supervisor, who shows those of all together.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.bootstrap.gateway.roles import Roles
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.bootstrap.process_numbers import ProcessNumbers
from proofgrid.doors.metrics.listen import MetricsListen, metrics_listen
from proofgrid.doors.metrics.server import MetricsDoor
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.database import Database
from proofgrid.telemetry.metrics import of_gateway, of_network, of_process
from proofgrid.telemetry.metrics.snapshot import Snapshot, take

TELL_SECONDS = 2.0  #: how often a sibling tells its supervisor

Work = Callable[[], Coroutine[object, object, None]]


def is_watched(settings: GatewaySettings, sibling: Sibling) -> bool:
    """Does anybody read this gateway's metrics?"""
    return bool(settings.metrics) or sibling.on_counted is not None


def listen_of_metrics(settings: GatewaySettings) -> MetricsListen | None:
    """Return where metrics are read; None: nowhere. Raises InvalidField where others could read them."""
    return metrics_listen(
        settings.metrics,
        token=settings.metrics_token,
        is_open=settings.metrics_open,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
    )


class Watched:
    """Open it while the gateway lives, and do its work."""

    def __init__(self, settings: GatewaySettings, world: Adapters, roles: Roles, sibling: Sibling) -> None:
        listen = listen_of_metrics(settings)
        self._door = None if listen is None else MetricsDoor(listen, self.read)
        self._roles = roles
        self._database = world.database
        self._process = ProcessNumbers(settings.tls_certificate, world.clock)
        self._on_counted = sibling.on_counted

    @property
    def address(self) -> str:
        """Where metrics are read; empty: nowhere."""
        return "" if self._door is None else self._door.address

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let them be read while the context lasts. Raises InvalidField when the address is taken."""
        if self._door is None:
            yield
            return
        await self._door.open()
        try:
            yield
        finally:
            await self._door.close()

    def work(self) -> list[Work]:
        """Return what has to run for it."""
        tell = self._on_counted
        if tell is None:
            return []

        async def count() -> None:
            tell(self.read())

        return [Loop("metrics", every(TELL_SECONDS, count)).run]

    def read(self) -> Snapshot:
        """Return all numbers of this process."""
        self._process.show()
        of_gateway.EVENT_LOOP_LAG.set(self._roles.loop_lag.seconds())
        of_gateway.SESSIONS.set(self._roles.desk.connected)
        of_gateway.SERVING.set(0 if self._roles.health.reason else 1)
        _show_waits(self._database)
        self._roles.census.tell_age()
        return take(of_network, of_gateway, of_process)


def _show_waits(database: Database) -> None:
    waiting = database.waiting_seconds()
    of_gateway.POOL_WAIT.show({(urgency.name.lower(),): waiting.get(urgency, 0.0) for urgency in Urgency})
