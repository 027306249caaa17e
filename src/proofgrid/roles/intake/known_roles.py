"""Access roles of keys that call often."""

from __future__ import annotations

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Address
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.intake.known import Known
from proofgrid.rules.access.roles import Role
from proofgrid.store.access import ROLES_OF
from proofgrid.store.database import Database


class KnownRoles(Known[Address, frozenset[Role]]):
    """The roles of keys, by their addresses."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        super().__init__(self._roles, clock=clock)
        self._database = database

    def has(self, address: Address) -> bool:
        """Was it known a while ago that this key may do something? Asks nobody."""
        return bool(self.last(address))

    async def _roles(self, address: Address) -> frozenset[Role]:
        async with self._database.connection(Urgency.ADMISSION) as connection:
            return frozenset(await connection.fetch(ROLES_OF, address=address))
