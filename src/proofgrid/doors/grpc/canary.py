"""What administrators may do with canaries: register them, see them, and fill the treasury that pays them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import digest_of, parse_digest
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField, MalformedMessage
from proofgrid.primitives.money import check_amount
from proofgrid.roles.intake.admission import Admission
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT, TREASURY
from proofgrid.rules.ledger.settlement import fund_treasury
from proofgrid.store.canaries import INSERT_CANARY, LIST_CANARIES
from proofgrid.store.database import Database
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from proofgrid.wire.codec.texts import read_json
from proofgrid.wire.v1 import canary_pb2 as messages
from proofgrid.wire.v1 import canary_pb2_grpc as services

INPUTS_BYTES_MAX = 4 << 20

log = structlog.get_logger(__name__)


class CanaryService(services.CanaryServiceServicer):
    """What `CanaryService` of proto/proofgrid/wire/v1/canary.proto promises."""

    def __init__(self, door: FrontDoor, database: Database, admission: Admission, clock: Clock) -> None:
        self._door = door
        self._database = database
        self._admission = admission
        self._clock = clock

    @answering
    async def AddCanary(self, request: messages.AddCanaryRequest, context: Any) -> messages.Canary:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        inputs = read_json(request.inputs_json, field="inputs", bytes_max=INPUTS_BYTES_MAX)
        if not isinstance(inputs, list):
            raise MalformedMessage("a list with one element per input", field="inputs")
        wanted = _request(request, inputs)
        task_id = await self._admission.submit(NETWORK_CLIENT, wanted)
        await self._database.write(
            Transaction.ADD_CANARY,
            INSERT_CANARY,
            canary_id=fresh_uuid(self._clock),
            program_digest=wanted.program_digest,
            inputs=inputs,
            inputs_digest=wanted.inputs_digest,
            first_task=task_id,
        )
        log.info("canary_added", program=wanted.program_digest, task_id=str(task_id), by=admin.address)
        return next(one for one in await self._canaries() if UUID(one.first_task) == task_id)

    @answering
    async def ListCanaries(  # noqa: N802
        self, request: messages.ListCanariesRequest, context: Any
    ) -> messages.ListCanariesResponse:
        await self._door.admit(context, Role.ADMIN)
        return messages.ListCanariesResponse(canaries=await self._canaries(), treasury=await self._treasury())

    @answering
    async def FundTreasury(self, request: messages.FundTreasuryRequest, context: Any) -> messages.TreasuryFunds:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        amount = check_amount(request.amount, field="amount", least=1)
        if not 1 <= len(request.deposit_id) <= 128:
            raise InvalidField("1 to 128 characters", field="deposit_id")
        try:
            async with self._database.transaction(Transaction.MOVE_MONEY) as connection:
                await post_transfers(connection, fund_treasury(deposit_id=request.deposit_id, amount=amount))
        except asyncpg.UniqueViolationError:
            raise IdempotencyConflict("this deposit id was used for another deposit", field="deposit_id") from None
        log.info("treasury_funded", amount=amount, by=admin.address)
        return messages.TreasuryFunds(balance=await self._treasury())

    async def _canaries(self) -> list[messages.Canary]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(LIST_CANARIES, network=NETWORK_CLIENT)
        return [
            messages.Canary(
                canary_id=str(row.canary_id),
                program_digest=row.program_digest,
                first_task=str(row.first_task),
                state=row.state,
                sent=row.sent,
                added_ms=row.added_ms,
            )
            for row in rows
        ]

    async def _treasury(self) -> int:
        async with self._database.connection() as connection:
            return await balance_of(connection, TREASURY)


def _request(message: messages.AddCanaryRequest, inputs: list[Any]) -> ProofRequest:
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
