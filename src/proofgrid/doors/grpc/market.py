"""The market's public record, over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proofgrid.doors.grpc.front_door import CallContext, FrontDoor, answering, streaming
from proofgrid.roles.intake.records import Records
from proofgrid.wire.v1 import market_pb2 as messages
from proofgrid.wire.v1 import market_pb2_grpc as services


class MarketService(services.MarketServiceServicer):
    """What `MarketService` of proto/proofgrid/wire/v1/market.proto promises."""

    def __init__(self, door: FrontDoor, records: Records) -> None:
        self._door = door
        self._records = records

    @streaming
    async def ExportRounds(  # noqa: N802
        self, request: messages.ExportRoundsRequest, context: CallContext
    ) -> AsyncIterator[messages.ExportedLines]:
        await self._door.admit(context, self._records.export)
        exported = self._records.export(request.lane, first=request.first, last=request.last, since_ms=request.since_ms)
        async for lines, rounds in exported:
            yield messages.ExportedLines(lines=lines, rounds=rounds)

    @answering
    async def OpenOrder(self, request: messages.OpenOrderRequest, context: CallContext) -> messages.OrderOpening:  # noqa: N802
        caller = await self._door.admit(context, self._records.open_order)
        opening = await self._records.open_order(caller, request.lane, request.number, request.what)
        return messages.OrderOpening(
            lane=request.lane,
            number=request.number,
            what=request.what,
            nonce=opening.nonce.hex(),
            order_id=opening.order_id,
        )
