"""The market's public record, over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering, streaming
from proofgrid.roles.intake.records import Records
from proofgrid.roles.intake.sizes import Size, Sizes
from proofgrid.wire.v1 import market_pb2 as messages
from proofgrid.wire.v1 import market_pb2_grpc as services

PERMILLE_MAX = (1 << 32) - 1  #: what the message has room for


class MarketService(services.MarketServiceServicer):
    """What `MarketService` of proto/proofgrid/wire/v1/market.proto promises."""

    def __init__(self, door: FrontDoor, records: Records, sizes: Sizes) -> None:
        self._door = door
        self._records = records
        self._sizes = sizes

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

    @answering
    async def ListSizes(self, request: messages.ListSizesRequest, context: CallContext) -> messages.ListSizesResponse:  # noqa: N802
        await self._door.admit(context, self._sizes.list_all)
        return messages.ListSizesResponse(sizes=[_size(one) for one in await self._sizes.list_all()])


def _size(one: Size) -> messages.Size:
    own = one.correction.number if one.correction.scope == one.scope else 0
    told = one.measured
    return messages.Size(
        proof_system=one.proof_system,
        engine=one.engine,
        scope=one.scope,
        number=own,
        units_permille=one.correction.units_permille,
        memory_permille=one.correction.memory_permille,
        measured_permille=_told(told.units_permille) if told else 0,
        measured_memory_permille=_told(told.memory_permille) if told else 0,
        operators=told.operators if told else 0,
        proofs=told.proofs if told else 0,
        made_ms=one.correction.made_ms if own else 0,
    )


def _told(permille: int | None) -> int:
    return min(permille or 0, PERMILLE_MAX)
