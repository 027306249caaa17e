"""Canaries and the treasury that pays them, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.digests import digest_of, parse_digest
from proofgrid.roles.intake.canaries import Canaries
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.store.canaries import RegisteredCanary
from proofgrid.wire.codec.texts import read_list
from proofgrid.wire.v1 import canary_pb2 as messages
from proofgrid.wire.v1 import canary_pb2_grpc as services

INPUTS_BYTES_MAX = 4 << 20


class CanaryService(services.CanaryServiceServicer):
    """What `CanaryService` of proto/proofgrid/wire/v1/canary.proto promises."""

    def __init__(self, door: FrontDoor, canaries: Canaries, treasury: Treasury) -> None:
        self._door = door
        self._canaries = canaries
        self._treasury = treasury

    @answering
    async def AddCanary(self, request: messages.AddCanaryRequest, context: CallContext) -> messages.Canary:  # noqa: N802
        caller = await self._door.admit(context, self._canaries.add)
        return write_canary(await self._canaries.add(caller, read_canary(request)))

    @answering
    async def ListCanaries(  # noqa: N802
        self, request: messages.ListCanariesRequest, context: CallContext
    ) -> messages.ListCanariesResponse:
        await self._door.admit(context, self._canaries.list_all)
        canaries = [write_canary(one) for one in await self._canaries.list_all()]
        return messages.ListCanariesResponse(canaries=canaries, treasury=await self._treasury.balance())

    @answering
    async def FundTreasury(  # noqa: N802
        self, request: messages.FundTreasuryRequest, context: CallContext
    ) -> messages.TreasuryFunds:
        caller = await self._door.admit(context, self._treasury.fund)
        balance = await self._treasury.fund(caller, request.amount, deposit_id=request.deposit_id)
        return messages.TreasuryFunds(balance=balance)


def read_canary(message: messages.AddCanaryRequest) -> ProofRequest:
    """Return the request that proves a canary first."""
    inputs = read_list(message.inputs_json, field="inputs", bytes_max=INPUTS_BYTES_MAX)
    program = parse_digest(message.program_digest, field="program_digest")
    inputs_digest = digest_of(message.inputs_json.encode())
    return ProofRequest(
        program_digest=program,
        inputs=tuple(inputs),
        inputs_digest=inputs_digest,
        limit_price=message.limit_price,
        budget=0,
        deadline_ms=0,
        idempotency_key=f"canary:add:{digest_of(f'{program}{inputs_digest}'.encode())}",
    )


def write_canary(canary: RegisteredCanary) -> messages.Canary:
    return messages.Canary(
        canary_id=str(canary.canary_id),
        program_digest=canary.program_digest,
        first_task=str(canary.first_task),
        state=canary.state,
        sent=canary.sent,
        added_ms=canary.added_ms,
    )
