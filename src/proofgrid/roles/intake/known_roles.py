"""Access roles of keys that call often: read once, forgotten as soon as the database tells that they changed.

hear --roles of a key are read--> held for HOLDS_MS at most --a role of that key is given or taken--> forgotten
deaf: notifications may be lost, so nothing is held
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Address
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.access.roles import Role
from proofgrid.store.access import ROLES_OF
from proofgrid.store.database import Database

HOLDS_MS = 1_000  #: a role that was taken counts for so long at most, even if the notification is lost
KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class _Held:
    roles: frozenset[Role]
    at_ms: int


class KnownRoles:
    """Deaf until `hear` is called."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hears = False
        self._changes = 0
        self._held: OrderedDict[Address, _Held] = OrderedDict()

    def hear(self) -> None:
        """From now on the database tells of every change."""
        self.forget_all()
        self._hears = True

    def deafen(self) -> None:
        """Notifications may be lost: hold nothing until they are heard again."""
        self.forget_all()
        self._hears = False

    def forget(self, address: str) -> None:
        """The roles of a key have changed."""
        self._changes += 1  # of any key: what is being read now may be older than this
        self._held.pop(Address(address), None)

    def forget_all(self) -> None:
        """Any role may have changed."""
        self._changes += 1
        self._held.clear()

    def has(self, address: Address) -> bool:
        """Was it known a while ago that this key may do something? Asks nobody."""
        held = self._held.get(address)
        return held is not None and bool(held.roles)

    async def of(self, address: Address) -> frozenset[Role]:
        """Return the access roles of a key, as they were a second ago at most."""
        held = self._held.get(address)
        if held is not None and 0 <= self._clock.now_ms() - held.at_ms < HOLDS_MS:
            return held.roles
        return await self.read(address)

    async def read(self, address: Address) -> frozenset[Role]:
        """Return the access roles of a key, as they are now."""
        changes, at_ms = self._changes, self._clock.now_ms()
        async with self._database.connection(Urgency.ADMISSION) as connection:
            roles = frozenset(await connection.fetch(ROLES_OF, address=address))
        if self._hears and changes == self._changes:
            self._held[address] = _Held(roles, at_ms)
            self._held.move_to_end(address)
            if len(self._held) > KEYS_MAX:
                self._held.popitem(last=False)
        return roles
