"""What administrators decide about subnetworks, and what everybody may see of them."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from proofgrid.primitives.errors import InUse, InvalidField, UnknownSubnetwork
from proofgrid.primitives.ids import Address
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.subnetworks import (
    DEFAULT,
    Subnetwork,
    SubnetworkChange,
    changed,
    check_subnetwork,
)
from proofgrid.store import subnetworks as stored
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.subnetworks import Member, SubnetworkStatus
from proofgrid.store.transactions import Transaction

#: A subnetwork, and its members where they are asked for.
Shown = tuple[SubnetworkStatus, Sequence[Member]]

log = structlog.get_logger(__name__)


class Subnetworks:
    """Raises UnknownSubnetwork, and InvalidField for parameters outside their rules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def list_for(self, caller: Caller) -> list[SubnetworkStatus]:
        """Return the subnetworks that the caller may use, or all to an administrator."""
        async with self._database.connection() as connection:
            return await connection.fetch(
                stored.LIST_SUBNETWORKS,
                address=caller.address,
                sees_all=caller.is_admin,
                silent_ms=GATEWAY_SILENT_MS,
                only="",
            )

    @needs(Role.ADMIN)
    async def get(self, name: str) -> Shown:
        """Return one subnetwork with its members."""
        async with self._database.connection() as connection:
            found = await connection.first(
                stored.LIST_SUBNETWORKS, address="", sees_all=True, silent_ms=GATEWAY_SILENT_MS, only=name
            )
            members = await connection.fetch(stored.MEMBERS_OF_SUBNETWORK, name=name)
        if found is None or not name:
            raise _unknown(name)
        return found, members

    @needs(Role.ADMIN, once=True)
    async def create(self, admin: Caller, name: str, wanted: SubnetworkChange) -> Shown:
        """Create a subnetwork; the same again changes nothing, and another one of its name is an InvalidField."""
        subnetwork = changed(Subnetwork(name=name), wanted)
        check_subnetwork(subnetwork)
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            created = await connection.first(stored.CREATE_SUBNETWORK, **stored.columns_of(subnetwork))
            found = await connection.first(stored.LOCK_SUBNETWORK, name=name)
        # Asked for twice is created once: the first answer may have been lost.
        if found is None or found.subnetwork != subnetwork:
            raise InvalidField(f"there is a subnetwork {name!r} already", field="name", hint="change it with set")
        if created is not None:
            log.info("subnetwork_created", subnetwork=name, by=admin.address)
        return await self.get(name)

    @needs(Role.ADMIN, once=True)
    async def change(self, admin: Caller, name: str, wanted: SubnetworkChange) -> Shown:
        """Change what is named; provers that may not serve it any more get no more of its jobs."""
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            subnetwork = changed(await _locked(connection, name), wanted)
            check_subnetwork(subnetwork)
            await connection.run(stored.SET_SUBNETWORK, **stored.columns_of(subnetwork))
            await connection.run(stored.DISMISS_STRANGERS, name=name)
        log.info("subnetwork_set", subnetwork=name, by=admin.address)
        return await self.get(name)

    @needs(Role.ADMIN, once=True)
    async def remove(self, admin: Caller, name: str) -> None:
        """Remove a subnetwork; raise InUse while tasks of it are open."""
        if name == DEFAULT:
            raise InvalidField(f"{DEFAULT} cannot be removed", field="name")
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await _locked(connection, name)
            if await connection.first(stored.REMOVE_SUBNETWORK, name=name) is None:
                raise InUse(
                    f"tasks of the subnetwork {name!r} are open",
                    field="name",
                    hint="wait for them, or let them go on in the common lanes: set it to --overflow-after 1s",
                )
            await connection.run(stored.DISMISS_STRANGERS, name=name)
        log.info("subnetwork_removed", subnetwork=name, by=admin.address)

    @needs(Role.ADMIN, once=True)
    async def allow(self, admin: Caller, name: str, address: Address, role: Role) -> Shown:
        """Put a key on the subnetwork's list, as client or as operator."""
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await _locked(connection, name)
            await connection.run(stored.ALLOW_MEMBER, name=name, address=address, role=role.value)
        return await self._member_changed(admin, name, address, role, allowed=True)

    @needs(Role.ADMIN, once=True)
    async def deny(self, admin: Caller, name: str, address: Address, role: Role) -> Shown:
        """Take a key from the list; its provers get no more of the subnetwork's jobs."""
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await _locked(connection, name)
            await connection.run(stored.DENY_MEMBER, name=name, address=address, role=role.value)
            await connection.run(stored.DISMISS_STRANGERS, name=name)
        return await self._member_changed(admin, name, address, role, allowed=False)

    async def _member_changed(self, admin: Caller, name: str, address: Address, role: Role, *, allowed: bool) -> Shown:
        log.info("member_changed", subnetwork=name, address=address, role=role, allowed=allowed, by=admin.address)
        return await self.get(name)


async def _locked(connection: Connection, name: str) -> Subnetwork:
    found = await connection.first(stored.LOCK_SUBNETWORK, name=name)
    if found is None:
        raise _unknown(name)
    return found.subnetwork


def _unknown(name: str) -> UnknownSubnetwork:
    return UnknownSubnetwork(
        f"there is no subnetwork {name!r}", field="name", hint="proofgrid admin subnetwork list shows them"
    )
