"""Subnetworks, over gRPC."""

from __future__ import annotations

from collections.abc import Iterable

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.subnetworks import Subnetworks
from proofgrid.rules.access.subnetworks import SubnetworkChange, parse_member_role
from proofgrid.store.subnetworks import Member, SubnetworkStatus
from proofgrid.wire.v1 import subnetworks_pb2 as messages
from proofgrid.wire.v1 import subnetworks_pb2_grpc as services


class SubnetworkService(services.SubnetworkServiceServicer):
    """What `SubnetworkService` of proto/proofgrid/wire/v1/subnetworks.proto promises."""

    def __init__(self, door: FrontDoor, subnetworks: Subnetworks) -> None:
        self._door = door
        self._subnetworks = subnetworks

    @answering
    async def ListSubnetworks(  # noqa: N802
        self, request: messages.ListSubnetworksRequest, context: CallContext
    ) -> messages.ListSubnetworksResponse:
        caller = await self._door.admit(context, self._subnetworks.list_for)
        found = await self._subnetworks.list_for(caller)
        return messages.ListSubnetworksResponse(subnetworks=[write_subnetwork(one) for one in found])

    @answering
    async def GetSubnetwork(  # noqa: N802
        self, request: messages.GetSubnetworkRequest, context: CallContext
    ) -> messages.Subnetwork:
        await self._door.admit(context, self._subnetworks.get)
        return write_subnetwork(*await self._subnetworks.get(request.name))

    @answering
    async def CreateSubnetwork(  # noqa: N802
        self, request: messages.SubnetworkChange, context: CallContext
    ) -> messages.Subnetwork:
        caller = await self._door.admit(context, self._subnetworks.create)
        return write_subnetwork(*await self._subnetworks.create(caller, request.name, read_change(request)))

    @answering
    async def SetSubnetwork(  # noqa: N802
        self, request: messages.SubnetworkChange, context: CallContext
    ) -> messages.Subnetwork:
        caller = await self._door.admit(context, self._subnetworks.change)
        return write_subnetwork(*await self._subnetworks.change(caller, request.name, read_change(request)))

    @answering
    async def RemoveSubnetwork(  # noqa: N802
        self, request: messages.RemoveSubnetworkRequest, context: CallContext
    ) -> messages.RemoveSubnetworkResponse:
        caller = await self._door.admit(context, self._subnetworks.remove)
        await self._subnetworks.remove(caller, request.name)
        return messages.RemoveSubnetworkResponse()

    @answering
    async def AllowMember(self, request: messages.MemberRequest, context: CallContext) -> messages.Subnetwork:  # noqa: N802
        caller = await self._door.admit(context, self._subnetworks.allow)
        address, role = parse_address(request.address), parse_member_role(request.role)
        return write_subnetwork(*await self._subnetworks.allow(caller, request.subnetwork, address, role))

    @answering
    async def DenyMember(self, request: messages.MemberRequest, context: CallContext) -> messages.Subnetwork:  # noqa: N802
        caller = await self._door.admit(context, self._subnetworks.deny)
        address, role = parse_address(request.address), parse_member_role(request.role)
        return write_subnetwork(*await self._subnetworks.deny(caller, request.subnetwork, address, role))


def read_change(message: messages.SubnetworkChange) -> SubnetworkChange:
    """Return what a message wants different; what it does not name stays as it is."""
    return SubnetworkChange(
        is_open=message.open if message.HasField("open") else None,
        proof_systems=frozenset(message.proof_systems.names) if message.HasField("proof_systems") else None,
        reference_price=message.reference_price if message.HasField("reference_price") else None,
        overflow_after_ms=message.overflow_after_ms if message.HasField("overflow_after_ms") else None,
    )


def write_subnetwork(subnetwork: SubnetworkStatus, members: Iterable[Member] = ()) -> messages.Subnetwork:
    return messages.Subnetwork(
        name=subnetwork.name,
        open=subnetwork.is_open,
        proof_systems=subnetwork.proof_systems,
        reference_price=subnetwork.reference_price,
        overflow_after_ms=subnetwork.overflow_after_ms,
        created_ms=subnetwork.created_ms,
        provers=subnetwork.provers,
        slots=subnetwork.slots,
        dedicated_slots=subnetwork.dedicated_slots,
        busy=subnetwork.busy,
        ready_units=subnetwork.ready_units,
        tasks_open=subnetwork.tasks_open,
        members=[messages.Member(address=one.address, role=one.role, since_ms=one.since_ms) for one in members],
    )
