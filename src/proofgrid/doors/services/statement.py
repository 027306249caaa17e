"""Statements over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator

from proofgrid.doors.services.front_door import CallContext, FrontDoor, streaming
from proofgrid.roles.intake.statements import Closing, Movement, Opening, Part, Statements
from proofgrid.wire.v1 import statements_pb2 as messages
from proofgrid.wire.v1 import statements_pb2_grpc as services


class StatementService(services.StatementServiceServicer):
    """What `StatementService` of proto/proofgrid/wire/v1/statements.proto promises."""

    def __init__(self, door: FrontDoor, statements: Statements) -> None:
        self._door = door
        self._statements = statements

    @streaming
    async def GetStatement(  # noqa: N802
        self, request: messages.StatementRequest, context: CallContext
    ) -> AsyncIterator[messages.StatementPart]:
        caller = await self._door.admit(context, self._statements.read_for)
        parts = self._statements.read_for(
            caller,
            request.owner,
            from_ms=request.from_ms,
            to_ms=request.to_ms,
            limit=request.limit,
            cursor=request.cursor,
        )
        async for part in parts:
            yield write_part(part)


def write_part(part: Part) -> messages.StatementPart:
    match part:
        case Opening():
            return messages.StatementPart(
                opening=messages.StatementOpening(
                    owner=part.owner, from_ms=part.from_ms, to_ms=part.to_ms, balance=part.balance
                )
            )
        case Closing():
            sums = [
                messages.ReasonSum(reason=reason, amount=amount, movements=number)
                for reason, (amount, number) in part.sums.items()
            ]
            closing = messages.StatementClosing(
                balance=part.balance, movements=part.movements, sums=sums, next_cursor=part.next_cursor
            )
            return messages.StatementPart(closing=closing)
    return messages.StatementPart(page=messages.StatementPage(movements=[_write_movement(one) for one in part]))


def _write_movement(movement: Movement) -> messages.Movement:
    return messages.Movement(
        at_ms=movement.at_ms,
        transfer_id=movement.transfer_id,
        account=movement.account,
        counter_account=movement.counter_account,
        amount=movement.amount,
        balance=movement.balance,
        reason=movement.reason,
        task_id=str(movement.task_id or ""),
        job_id=str(movement.job_id or ""),
        lane=movement.lane,
        round=movement.round,
        units=movement.units,
        price=movement.price,
    )
