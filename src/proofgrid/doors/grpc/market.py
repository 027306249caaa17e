"""The market's public record: rounds for anybody who can name himself, openings for their owners."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from proofgrid.doors.grpc.front_door import FrontDoor, answering, streaming
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField, UnknownRound
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.market.blinding import order_id, order_nonce
from proofgrid.rules.market.record_file import RecordHeader, header_line, round_line, trailer_line
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.wire.v1 import market_pb2 as messages
from proofgrid.wire.v1 import market_pb2_grpc as services

ROUNDS_PER_READ = 50
WHAT_CHARS_MAX = 256
NUMBER_MAX = 2**63 - 1


class MarketService(services.MarketServiceServicer):
    """What `MarketService` of proto/proofgrid/wire/v1/market.proto promises."""

    def __init__(self, door: FrontDoor, database: Database, key: SigningKey) -> None:
        self._door = door
        self._database = database
        self._key = key

    @streaming
    async def ExportRounds(  # noqa: N802
        self, request: messages.ExportRoundsRequest, context: Any
    ) -> AsyncIterator[messages.ExportedLines]:
        await self._door.admit(context, Role.CLIENT, Role.OPERATOR, Role.ADMIN)
        header = await self._header(request)
        yield messages.ExportedLines(lines=header_line(header), rounds=header.rounds)
        number, last_hash = header.first, ""
        while number <= header.last:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    QUERIES["public_rounds"], header.lane, number, header.last, ROUNDS_PER_READ
                )
            for row in rows:  # one by one: a transcript may have a megabyte
                yield messages.ExportedLines(lines=round_line(row["transcript"], row["signature"]))
            if not rows:
                break  # an older gateway left a gap: the check says so
            number, last_hash = rows[-1]["number"] + 1, rows[-1]["transcript_hash"]
        yield messages.ExportedLines(lines=trailer_line(header, Digest(last_hash), self._key))

    async def _header(self, request: messages.ExportRoundsRequest) -> RecordHeader:
        last = request.last or NUMBER_MAX
        if not 0 <= request.first <= last <= NUMBER_MAX:
            raise InvalidField("the first round is not after the last one", field="first")
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                QUERIES["rounds_of_export"], request.lane, request.first, last, request.since_ms
            )
        if not row["rounds"]:
            raise UnknownRound(
                f"lane {request.lane!r} has no such rounds", field="lane", hint="proofgrid rounds lists lanes"
            )
        return RecordHeader(
            network=self._key.address,
            lane=request.lane,
            first=row["first"],
            last=row["last"],
            rounds=row["rounds"],
        )

    @answering
    async def OpenOrder(self, request: messages.OpenOrderRequest, context: Any) -> messages.OrderOpening:  # noqa: N802
        caller = await self._door.admit(context, Role.CLIENT, Role.OPERATOR, Role.ADMIN)
        if not 1 <= len(request.what) <= WHAT_CHARS_MAX or request.number > NUMBER_MAX:
            raise InvalidField("a task's id, or operator/prover", field="what")
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_round"], request.lane, request.number)
            owner = await connection.fetchval(QUERIES["owner_of_order"], _task_id(request.what), request.what)
        # Who does not own it does not learn whether it was there.
        if row is None or row["secret"] is None or not _may_open(caller, owner):
            raise UnknownRound("no order of yours is in this round", field="what")
        nonce = order_nonce(row["secret"], request.what)
        order = order_id(request.what, nonce)
        if f'"{order}"' not in row["transcript"]:
            raise UnknownRound("no order of yours is in this round", field="what")
        return messages.OrderOpening(
            lane=request.lane, number=request.number, what=request.what, nonce=nonce.hex(), order_id=order
        )


def _task_id(what: str) -> UUID | None:
    try:
        return UUID(what)
    except ValueError:
        return None


def _may_open(caller: Caller, owner: str | None) -> bool:
    return Role.ADMIN in caller.roles or (owner is not None and owner == caller.address)
