"""Statements: the opening, every movement page by page, the closing; what is kept in memory is one page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from proofgrid.doors.grpc.front_door import FrontDoor, streaming
from proofgrid.primitives.errors import InvalidField, NotAllowed, Unavailable
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.access.roles import Role
from proofgrid.rules.ledger.statement import NETWORK_OWNERS, Running, accounts_of, price_of
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.queries import QUERIES
from proofgrid.wire.v1 import statements_pb2 as messages
from proofgrid.wire.v1 import statements_pb2_grpc as services

PAGE = 500
AT_ONCE = 2  #: statements that read at one time; a connection each
COMMIT_SECONDS = 0.2  #: what was posted by now is committed then


class StatementService(services.StatementServiceServicer):
    """What `StatementService` of proto/proofgrid/wire/v1/statements.proto promises."""

    def __init__(self, door: FrontDoor, database: Database) -> None:
        self._door = door
        self._database = database
        self._reading = asyncio.Semaphore(AT_ONCE)

    @streaming
    async def GetStatement(  # noqa: N802
        self, request: messages.StatementRequest, context: Any
    ) -> AsyncIterator[messages.StatementPart]:
        caller = await self._door.admit(context, Role.CLIENT, Role.OPERATOR, Role.ADMIN)
        owner = _owner(request.owner) if request.owner else str(caller.address)
        if owner != caller.address and Role.ADMIN not in caller.roles:
            raise NotAllowed("others' statements are for administrators", field="owner")
        if request.from_ms < 0 or request.to_ms < 0 or 0 < request.to_ms < request.from_ms:
            raise InvalidField("a statement ends after it begins", field="to_ms")
        async for part in read_statement(
            self._database, owner, from_ms=request.from_ms, to_ms=request.to_ms, reading=self._reading
        ):
            yield part


async def read_statement(
    database: Database, owner: str, *, from_ms: int, to_ms: int, reading: asyncio.Semaphore
) -> AsyncIterator[messages.StatementPart]:
    """Yield the parts of a statement; raise Unavailable when something was posted before `to_ms` behind our back."""
    accounts = accounts_of(owner)
    async with reading, database.connection() as connection:
        now_ms = await connection.value(DATABASE_TIME)
    if not 0 < to_ms <= now_ms:
        to_ms = now_ms
        await asyncio.sleep(COMMIT_SECONDS)
    from_ms = min(from_ms, to_ms)
    running = Running(await _balance(database, owner, from_ms, reading))
    opening = messages.StatementOpening(owner=owner, from_ms=from_ms, to_ms=to_ms, balance=running.balance)
    yield messages.StatementPart(opening=opening)
    after: tuple[int, str, int] = (0, "", 0)
    while True:
        async with reading, database.connection() as connection:
            rows = await connection.fetch(QUERIES["statement_movements"], owner, accounts, from_ms, to_ms, *after, PAGE)
        if rows:
            page = messages.StatementPage(movements=[_movement(row, running) for row in rows])
            yield messages.StatementPart(page=page)
        if len(rows) < PAGE:
            break
        after = (rows[-1]["at_ms"], rows[-1]["transfer_id"], rows[-1]["amount"])
    if await _balance(database, owner, to_ms, reading) != running.balance:
        raise Unavailable("money moved while the statement was read", hint="ask again")
    sums = [
        messages.ReasonSum(reason=reason, amount=amount, movements=number)
        for reason, (amount, number) in running.sums.items()
    ]
    closing = messages.StatementClosing(balance=running.balance, movements=running.movements, sums=sums)
    yield messages.StatementPart(closing=closing)


async def _balance(database: Database, owner: str, at_ms: int, reading: asyncio.Semaphore) -> int:
    """Return what all accounts of the owner held together."""
    async with reading, database.connection() as connection:
        return int(await connection.fetchval(QUERIES["statement_opening"], owner, accounts_of(owner), at_ms))


def _movement(row: Any, running: Running) -> messages.Movement:
    units = row["units"] or 0
    return messages.Movement(
        at_ms=row["at_ms"],
        transfer_id=row["transfer_id"],
        account=row["account"],
        counter_account=row["counter"],
        amount=row["amount"],
        balance=running.move(row["amount"], row["reason"]),
        reason=row["reason"],
        task_id=str(row["task_id"] or ""),
        job_id=str(row["job_id"] or ""),
        lane=row["lane"] or "",
        round=row["round"] or 0,
        units=units,
        price=price_of(row["reason"], amount=row["amount"], units=units),
    )


def _owner(text: str) -> str:
    return text if text in NETWORK_OWNERS else str(parse_address(text, field="owner"))
