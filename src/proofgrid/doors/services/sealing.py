"""Whom inputs can be sealed for, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.digests import parse_digest
from proofgrid.roles.intake.sealing import Recipients
from proofgrid.wire.codec.requests import read_constraints
from proofgrid.wire.codec.sealing import write_recipient
from proofgrid.wire.v1 import sealing_pb2 as messages
from proofgrid.wire.v1 import sealing_pb2_grpc as services


class SealingService(services.SealingServiceServicer):
    """What `SealingService` of proto/proofgrid/wire/v1/sealing.proto promises."""

    def __init__(self, door: FrontDoor, recipients: Recipients) -> None:
        self._door = door
        self._recipients = recipients

    @answering
    async def ListRecipients(  # noqa: N802
        self, request: messages.ListRecipientsRequest, context: CallContext
    ) -> messages.ListRecipientsResponse:
        caller = await self._door.admit(context, self._recipients.list_for)
        found = await self._recipients.list_for(
            caller,
            parse_digest(request.program_digest, field="program_digest"),
            read_constraints(request.constraints),
            request.subnetwork,
        )
        return messages.ListRecipientsResponse(recipients=[write_recipient(one) for one in found])
