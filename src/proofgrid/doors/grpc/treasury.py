"""The network's own money: administrators pay it out or burn it."""

from __future__ import annotations

from typing import Any

import asyncpg
import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.rules.access.roles import Role
from proofgrid.rules.ledger.accounts import TREASURY
from proofgrid.rules.ledger.settlement import burn, withdraw
from proofgrid.store.database import Database
from proofgrid.store.ledger import balance_of
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from proofgrid.wire.v1 import treasury_pb2 as messages
from proofgrid.wire.v1 import treasury_pb2_grpc as services

log = structlog.get_logger(__name__)


class TreasuryService(services.TreasuryServiceServicer):
    """What `TreasuryService` of proto/proofgrid/wire/v1/treasury.proto promises."""

    def __init__(self, door: FrontDoor, database: Database) -> None:
        self._door = door
        self._database = database

    @answering
    async def TakeOut(self, request: messages.TakeOutRequest, context: Any) -> messages.Treasury:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        if not 1 <= len(request.take_id) <= 128:
            raise InvalidField("1 to 128 characters", field="take_id")
        balance = await take_out(self._database, request.take_id, request.amount, burnt=request.burn)
        log.info("taken_from_treasury", amount=request.amount, burnt=request.burn, by=admin.address)
        return messages.Treasury(balance=balance)


async def take_out(database: Database, take_id: str, amount: int, *, burnt: bool) -> int:
    """Return what the treasury holds afterwards; the same id moves money once."""
    if burnt:
        transfers = burn(burn_id=take_id, account=TREASURY, amount=amount)
    else:
        transfers = withdraw(withdrawal_id=f"treasury:{take_id}", account=TREASURY, amount=amount)
    try:
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(connection, transfers)
    except asyncpg.UniqueViolationError:
        raise IdempotencyConflict("this id was used for another amount", field="take_id") from None
    async with database.connection() as connection:
        return await balance_of(connection, TREASURY)
