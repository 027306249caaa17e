"""What administrators may do: the access list, deposits, the ledger's health."""

from __future__ import annotations

from typing import Any

import asyncpg
import structlog

from proofgrid.doors.grpc.client import read_account
from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.primitives.ids import Address, TaskId, parse_uuid
from proofgrid.primitives.money import check_amount
from proofgrid.primitives.signatures import parse_address
from proofgrid.roles.intake.dead_letters import get_dead_letter, list_dead_letters, replay_dead_letter
from proofgrid.rules.access.roles import Role, parse_role
from proofgrid.rules.ledger.settlement import deposit
from proofgrid.store.database import Database
from proofgrid.store.ledger import LEDGER_FAULTS, LEDGER_SUMS
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services

log = structlog.get_logger(__name__)


class AdminService(services.AdminServiceServicer):
    """What `AdminService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(self, door: FrontDoor, database: Database) -> None:
        self._door = door
        self._database = database

    @answering
    async def Grant(self, request: messages.GrantRequest, context: Any) -> messages.Identity:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        address, role = parse_address(request.address), parse_role(request.role)
        if len(request.label) > 128:
            raise InvalidField("at most 128 characters", field="label")
        await self._database.write(Transaction.CHANGE_ROLES, QUERIES["grant_role"], address, role.value, request.label)
        log.info("role_granted", address=address, role=role, by=admin.address)
        return await self._identity(address)

    @answering
    async def Revoke(self, request: messages.RevokeRequest, context: Any) -> messages.Identity:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        address, role = parse_address(request.address), parse_role(request.role)
        await self._database.write(Transaction.CHANGE_ROLES, QUERIES["revoke_role"], address, role.value)
        log.info("role_revoked", address=address, role=role, by=admin.address)
        return await self._identity(address)

    @answering
    async def ListIdentities(  # noqa: N802
        self, request: messages.ListIdentitiesRequest, context: Any
    ) -> messages.ListIdentitiesResponse:
        await self._door.admit(context, Role.ADMIN)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_identities"])
        return messages.ListIdentitiesResponse(
            identities=[
                messages.Identity(address=row["address"], roles=row["roles"], label=row["label"]) for row in rows
            ]
        )

    @answering
    async def Deposit(self, request: messages.DepositRequest, context: Any) -> messages.Account:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        address = parse_address(request.address)
        amount = check_amount(request.amount, field="amount", least=1)
        if not 1 <= len(request.deposit_id) <= 128:
            raise InvalidField("1 to 128 characters", field="deposit_id")
        try:
            async with self._database.transaction(Transaction.MOVE_MONEY) as connection:
                await post_transfers(connection, deposit(deposit_id=request.deposit_id, client=address, amount=amount))
        except asyncpg.UniqueViolationError:
            raise IdempotencyConflict("this deposit id was used for another deposit", field="deposit_id") from None
        log.info("deposited", address=address, amount=amount, by=admin.address)
        return await read_account(self._database, address, transfers_limit=0)

    @answering
    async def CheckLedger(self, request: messages.CheckLedgerRequest, context: Any) -> messages.LedgerCheck:  # noqa: N802
        await self._door.admit(context, Role.ADMIN)
        # One moment for both reads, or a payment between them would look like a fault.
        async with self._database.snapshot() as connection:
            sums = await connection.value(LEDGER_SUMS)
            faults = await connection.fetch(LEDGER_FAULTS)
        return messages.LedgerCheck(
            balanced=sums.sum == 0 and not faults,
            sum=sums.sum,
            minted=sums.minted,
            held=sums.held,
            faults=faults,
        )

    @answering
    async def ListDeadLetters(  # noqa: N802
        self, request: messages.ListDeadLettersRequest, context: Any
    ) -> messages.ListDeadLettersResponse:
        await self._door.admit(context, Role.ADMIN)
        letters = await list_dead_letters(self._database, limit=request.limit, replayed=request.replayed)
        return messages.ListDeadLettersResponse(letters=letters)

    @answering
    async def GetDeadLetter(self, request: messages.GetDeadLetterRequest, context: Any) -> messages.DeadLetter:  # noqa: N802
        await self._door.admit(context, Role.ADMIN)
        return await get_dead_letter(self._database, TaskId(parse_uuid(request.task_id, field="task_id")))

    @answering
    async def ReplayDeadLetter(self, request: messages.ReplayDeadLetterRequest, context: Any) -> messages.DeadLetter:  # noqa: N802
        await self._door.admit(context, Role.ADMIN)
        return await replay_dead_letter(self._database, TaskId(parse_uuid(request.task_id, field="task_id")))

    async def _identity(self, address: Address) -> messages.Identity:
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["roles_of"], address)
        return messages.Identity(address=address, roles=sorted(row["role"] for row in rows))
