"""Who may use the network: administrators give access roles to keys and take them away."""

from __future__ import annotations

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.known_roles import KnownRoles
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.store.access import GRANT_ROLE, LIST_IDENTITIES, REVOKE_ROLE, ROLES_OF, Identity
from proofgrid.store.database import Database
from proofgrid.store.sessions import (
    CHANGE_OPERATOR,
    END_SESSIONS_OF_OPERATOR,
    KEEP_PROVERS_OF_OPERATOR,
    WAKE_EXPIRY,
)
from proofgrid.store.signals import check_administration
from proofgrid.store.transactions import Transaction

LABEL_CHARS_MAX = 128

log = structlog.get_logger(__name__)


class AccessList:
    """For administrators."""

    def __init__(self, database: Database, known_roles: KnownRoles) -> None:
        self._database = database
        self._known_roles = known_roles

    @needs(Role.ADMIN, once=True)
    async def grant(self, admin: Caller, address: Address, role: Role, *, label: str) -> Identity:
        """Give a key an access role; raise InvalidField for a label that is too long."""
        if len(label) > LABEL_CHARS_MAX:
            raise InvalidField(f"at most {LABEL_CHARS_MAX} characters", field="label")
        async with self._database.transaction(Transaction.CHANGE_ROLES) as connection:
            await check_administration(connection)  # taking roles goes on
            await connection.run(GRANT_ROLE, address=address, role=role.value, label=label)
        self._known_roles.forget(address)  # the other gateways are told
        log.info("role_granted", address=address, role=role, by=admin.address)
        return await self._identity(address)

    @needs(Role.ADMIN, once=True)
    async def revoke(self, admin: Caller, address: Address, role: Role) -> Identity:
        """Take an access role from a key: what is open on its behalf ends, and an operator's leases go back at once."""
        async with self._database.transaction(Transaction.CHANGE_ROLES) as connection:
            await connection.run(REVOKE_ROLE, address=address, role=role.value)
            if role is Role.OPERATOR:
                await connection.run(KEEP_PROVERS_OF_OPERATOR, operator=address)
                await connection.run(CHANGE_OPERATOR, operator=address)
                await connection.run(END_SESSIONS_OF_OPERATOR, operator=address)
                await connection.run(WAKE_EXPIRY)
        self._known_roles.forget(address)
        log.info("role_revoked", address=address, role=role, by=admin.address)
        return await self._identity(address)

    @needs(Role.ADMIN)
    async def list_all(self) -> list[Identity]:
        """Return every key that has an access role, in the order of the addresses."""
        async with self._database.connection() as connection:
            return await connection.fetch(LIST_IDENTITIES)

    async def _identity(self, address: Address) -> Identity:
        async with self._database.connection() as connection:
            roles = await connection.fetch(ROLES_OF, address=address)
        return Identity(address, tuple(sorted(roles)), label="")
