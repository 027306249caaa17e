"""Credentials that are good for nothing, by the network address they come from; and the addresses that are blocked.

Every gateway counts what it is shown and says so (an incident); all obey the incidents that are open. Keys that are on
the access list are not shut out by others at their address: only strangers are.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.incident_errors import AddressBlocked
from proofgrid.roles.loop import Loop
from proofgrid.rules.incidents.signals import ABUSE_MAX, ABUSE_WINDOW_SECONDS, Signal, abuses
from proofgrid.store.database import Database
from proofgrid.store.incidents import open_incidents
from proofgrid.store.signals import BLOCKED_ADDRESSES
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 1.0
HOSTS_MAX = 4_096  #: those that were heard of last


class Abuse:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._bad: OrderedDict[str, deque[float]] = OrderedDict()
        self._found: dict[str, Signal] = {}
        self._until: dict[str, float] = {}  #: of blocked addresses, by the running clock
        self._loop = Loop("abuse", self.look, retry_seconds=LOOK_SECONDS)

    def wake(self) -> None:
        """An incident was opened or closed."""
        self._loop.wake()

    async def run(self) -> None:
        """Say what was counted and learn who is blocked, until cancelled."""
        await self._loop.run()

    async def look(self) -> float:
        """Do both once."""
        found, self._found = self._found, {}
        if found:
            async with self._database.transaction(Transaction.OPEN_INCIDENT) as connection:
                await open_incidents(connection, list(found.values()))
        async with self._database.connection() as connection:
            blocked = await connection.fetch(BLOCKED_ADDRESSES)
        now = self._clock.running_seconds()
        self._until = {one.host: now + one.left_ms / 1_000 for one in blocked}
        return LOOK_SECONDS

    def note(self, host: str) -> None:
        """A credential came from there that is good for nothing."""
        if not host or host in self._until:
            return
        times = self._bad.setdefault(host, deque(maxlen=ABUSE_MAX))
        self._bad.move_to_end(host)
        if len(self._bad) > HOSTS_MAX:
            self._bad.popitem(last=False)
        now = self._clock.running_seconds()
        times.append(now)
        if len(times) == ABUSE_MAX and now - times[0] <= ABUSE_WINDOW_SECONDS:
            self._found[host] = abuses(host)
            del self._bad[host]
            self._loop.wake()

    def is_blocked(self, host: str) -> bool:
        """Are strangers from there not looked at now?"""
        return self._until.get(host, 0.0) > self._clock.running_seconds()

    def check(self, host: str) -> None:
        """Raise AddressBlocked where strangers are not looked at."""
        left = self._until.get(host, 0.0) - self._clock.running_seconds()
        if left > 0:
            raise AddressBlocked(
                "too many tokens and keys that are good for nothing came from your address",
                hint="keys on the access list are let in from there",
                wait_ms=int(1_000 * left) + 1,
            )
