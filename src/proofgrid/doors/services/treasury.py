"""The network's own money, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.wire.v1 import treasury_pb2 as messages
from proofgrid.wire.v1 import treasury_pb2_grpc as services


class TreasuryService(services.TreasuryServiceServicer):
    """What `TreasuryService` of proto/proofgrid/wire/v1/treasury.proto promises."""

    def __init__(self, door: FrontDoor, treasury: Treasury) -> None:
        self._door = door
        self._treasury = treasury

    @answering
    async def TakeOut(self, request: messages.TakeOutRequest, context: CallContext) -> messages.Treasury:  # noqa: N802
        caller = await self._door.admit(context, self._treasury.take_out)
        balance = await self._treasury.take_out(caller, request.amount, take_id=request.take_id, burnt=request.burn)
        return messages.Treasury(balance=balance)
