"""What administrators decide about subnetworks, and what everybody may see of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.errors import InvalidField, SubnetworkInUse, UnknownSubnetwork
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.access.roles import Role
from proofgrid.rules.access.subnetworks import DEFAULT, Subnetwork, check_subnetwork, parse_member_role
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.queries import QUERIES
from proofgrid.store.subnetworks import subnetwork_of
from proofgrid.store.transactions import Transaction
from proofgrid.wire.v1 import subnetworks_pb2 as messages
from proofgrid.wire.v1 import subnetworks_pb2_grpc as services

ANYBODY = (Role.CLIENT, Role.OPERATOR, Role.ADMIN)

log = structlog.get_logger(__name__)


class SubnetworkService(services.SubnetworkServiceServicer):
    """What `SubnetworkService` of proto/proofgrid/wire/v1/subnetworks.proto promises."""

    def __init__(self, door: FrontDoor, database: Database) -> None:
        self._door = door
        self._database = database

    @answering
    async def ListSubnetworks(  # noqa: N802
        self, request: messages.ListSubnetworksRequest, context: Any
    ) -> messages.ListSubnetworksResponse:
        caller = await self._door.admit(context, *ANYBODY)
        sees_all = Role.ADMIN in caller.roles
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_subnetworks"], caller.address, sees_all, GATEWAY_SILENT_MS, "")
        return messages.ListSubnetworksResponse(subnetworks=[_message(row) for row in rows])

    @answering
    async def GetSubnetwork(self, request: messages.GetSubnetworkRequest, context: Any) -> messages.Subnetwork:  # noqa: N802
        await self._door.admit(context, Role.ADMIN)
        return await self._shown(request.name)

    @answering
    async def CreateSubnetwork(self, request: messages.SubnetworkChange, context: Any) -> messages.Subnetwork:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        wanted = _changed(Subnetwork(name=request.name), request)
        check_subnetwork(wanted)
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            created = await connection.fetchval(QUERIES["create_subnetwork"], *_values(wanted))
            found = await connection.fetchrow(QUERIES["lock_subnetwork"], wanted.name)
        # Asked for twice is created once: the first answer may have been lost.
        if found is None or subnetwork_of(found) != wanted:
            raise InvalidField(
                f"there is a subnetwork {wanted.name!r} already", field="name", hint="change it with set"
            )
        if created is not None:
            log.info("subnetwork_created", subnetwork=wanted.name, by=admin.address)
        return await self._shown(wanted.name)

    @answering
    async def SetSubnetwork(self, request: messages.SubnetworkChange, context: Any) -> messages.Subnetwork:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            wanted = _changed(await _locked(connection, request.name), request)
            check_subnetwork(wanted)
            await connection.execute(QUERIES["set_subnetwork"], *_values(wanted))
            await connection.execute(QUERIES["dismiss_strangers"], wanted.name)
        log.info("subnetwork_set", subnetwork=wanted.name, by=admin.address)
        return await self._shown(wanted.name)

    @answering
    async def RemoveSubnetwork(  # noqa: N802
        self, request: messages.RemoveSubnetworkRequest, context: Any
    ) -> messages.RemoveSubnetworkResponse:
        admin = await self._door.admit(context, Role.ADMIN)
        if request.name == DEFAULT:
            raise InvalidField(f"{DEFAULT} cannot be removed", field="name")
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await _locked(connection, request.name)
            if await connection.fetchval(QUERIES["remove_subnetwork"], request.name) is None:
                raise SubnetworkInUse(
                    f"tasks of the subnetwork {request.name!r} are open",
                    field="name",
                    hint="wait for them, or let them go on in the common lanes: set it to --overflow-after 1s",
                )
            await connection.execute(QUERIES["dismiss_strangers"], request.name)
        log.info("subnetwork_removed", subnetwork=request.name, by=admin.address)
        return messages.RemoveSubnetworkResponse()

    @answering
    async def AllowMember(self, request: messages.MemberRequest, context: Any) -> messages.Subnetwork:  # noqa: N802
        return await self._change_member(request, context, allowed=True)

    @answering
    async def DenyMember(self, request: messages.MemberRequest, context: Any) -> messages.Subnetwork:  # noqa: N802
        return await self._change_member(request, context, allowed=False)

    async def _change_member(
        self, request: messages.MemberRequest, context: Any, *, allowed: bool
    ) -> messages.Subnetwork:
        admin = await self._door.admit(context, Role.ADMIN)
        member = (request.subnetwork, parse_address(request.address), parse_member_role(request.role).value)
        async with self._database.transaction(Transaction.CHANGE_SUBNETWORKS) as connection:
            await _locked(connection, request.subnetwork)
            if allowed:
                await connection.execute(QUERIES["allow_member"], *member)
            else:
                await connection.execute(QUERIES["deny_member"], *member)
                await connection.execute(QUERIES["dismiss_strangers"], request.subnetwork)
        name, address, role = member
        log.info("member_changed", subnetwork=name, address=address, role=role, allowed=allowed, by=admin.address)
        return await self._shown(name)

    async def _shown(self, name: str) -> messages.Subnetwork:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["list_subnetworks"], "", True, GATEWAY_SILENT_MS, name)
            members = await connection.fetch(QUERIES["members_of_subnetwork"], name)
        if row is None or not name:
            raise _unknown(name)
        shown = _message(row)
        shown.members.extend(
            messages.Member(address=one["address"], role=one["role"], since_ms=one["since_ms"]) for one in members
        )
        return shown


async def _locked(connection: Any, name: str) -> Subnetwork:
    row = await connection.fetchrow(QUERIES["lock_subnetwork"], name)
    if row is None:
        raise _unknown(name)
    return subnetwork_of(row)


def _unknown(name: str) -> UnknownSubnetwork:
    return UnknownSubnetwork(
        f"there is no subnetwork {name!r}", field="name", hint="proofgrid admin subnetwork list shows them"
    )


def _changed(subnetwork: Subnetwork, change: messages.SubnetworkChange) -> Subnetwork:
    """Return the subnetwork with everything that the message names."""
    changes: dict[str, Any] = {}
    if change.HasField("open"):
        changes["is_open"] = change.open
    if change.HasField("proof_systems"):
        changes["proof_systems"] = frozenset(change.proof_systems.names)
    if change.HasField("reference_price"):
        changes["reference_price"] = change.reference_price
    if change.HasField("overflow_after_ms"):
        changes["overflow_after_ms"] = change.overflow_after_ms
    return replace(subnetwork, **changes)


def _values(subnetwork: Subnetwork) -> tuple[str, bool, list[str], int, int]:
    return (
        subnetwork.name,
        subnetwork.is_open,
        sorted(subnetwork.proof_systems),
        subnetwork.reference_price,
        subnetwork.overflow_after_ms,
    )


def _message(row: Any) -> messages.Subnetwork:
    return messages.Subnetwork(
        name=row["name"],
        open=row["is_open"],
        proof_systems=row["proof_systems"],
        reference_price=row["reference_price"],
        overflow_after_ms=row["overflow_after_ms"],
        created_ms=row["created_ms"],
        provers=row["provers"],
        slots=row["slots"],
        dedicated_slots=row["dedicated_slots"],
        busy=row["busy"],
        ready_units=row["ready_units"],
        tasks_open=row["tasks_open"],
    )
