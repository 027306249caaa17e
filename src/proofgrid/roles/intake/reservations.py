"""Promises bytes before they are accepted, and sees that what was accepted has an owner, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import structlog

from proofgrid.primitives.clock import Clock, fresh_uuid
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import NotAllowed, Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.turns import Urgency
from proofgrid.rules.access.quotas import check_room
from proofgrid.rules.jobs.limits import PROOF_BYTES_MAX, Limits
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.store.database import Database
from proofgrid.store.reservations import (
    BYTES_OF,
    EXTEND_RESERVATION,
    GIVE_BACK_RESERVATION,
    LOCK_BYTES_OF,
    RESERVE_BYTES,
    SETTLE_RESERVATION,
)
from proofgrid.store.transactions import Transaction

HOLDS_MS = 600_000  #: a promise that nobody extends; whoever sends bytes extends it
EXTEND_SECONDS = 120.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Reservations:
    """Of all clients and operators, at whichever gateway they are."""

    def __init__(self, database: Database, clock: Clock, *, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits

    @asynccontextmanager
    async def reserved(
        self, owner: Address, size_bytes: int, *, digest: Digest | None = None, lease_id: UUID | None = None
    ) -> AsyncIterator[Reservation]:
        """Have so many bytes promised for as long as the context lasts; what is not settled in it is given back.

        `digest`: whose bytes are announced, if they are: they count once. Raises TooLarge where they do not fit, and
        NotAllowed for a lease that the owner does not hold.
        """
        reservation = Reservation(fresh_uuid(self._clock), owner, size_bytes, self._database)
        await self._reserve(reservation, digest=digest, lease_id=lease_id)
        try:
            yield reservation
        finally:
            if not reservation.is_settled:
                with suppress(Recoverable):  # it expires
                    await _finished(reservation.give_back())

    async def check(self, owner: Address, size_bytes: int) -> None:
        """Raise TooLarge where so many bytes do not fit now; nothing is promised."""
        async with self._database.connection(Urgency.ADMISSION) as connection:
            held = await connection.value(BYTES_OF, owner=owner, digest="", lease_id=None)
        check_room(size_bytes, held.in_all, limit_bytes=self._limits.stored_bytes, whose="you store")

    async def _reserve(self, reservation: Reservation, *, digest: Digest | None, lease_id: UUID | None) -> None:
        owner, size_bytes = reservation.owner, reservation.size_bytes
        async with self._database.transaction(Transaction.RESERVE_BYTES) as connection:
            await connection.run(LOCK_BYTES_OF, owner=owner)
            held = await connection.value(BYTES_OF, owner=owner, digest=digest or "", lease_id=lease_id)
            if lease_id is not None:
                if not held.holds_lease:
                    raise NotAllowed("you do not hold this lease", field="lease_id")
                most_bytes = min(PROOF_BYTES_MAX, self._limits.upload_bytes)
                check_room(size_bytes, held.under_lease, limit_bytes=most_bytes, whose="under this lease you store")
            if owner != NETWORK_CLIENT:  # the network limits others
                check_room(size_bytes, held.in_all, limit_bytes=self._limits.stored_bytes, whose="you store")
            await connection.run(
                RESERVE_BYTES,
                reservation_id=reservation.reservation_id,
                owner=owner,
                lease_id=lease_id,
                size_bytes=size_bytes,
                holds_ms=HOLDS_MS,
            )


@dataclass(slots=True)
class Reservation:
    """Bytes that are promised to somebody."""

    reservation_id: UUID
    owner: Address
    size_bytes: int
    _database: Database
    is_settled: bool = False

    async def extended(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass chunks on; the promise holds while they come. Raises Recoverable where it ended meanwhile."""
        loop = asyncio.get_running_loop()
        extend_at = loop.time() + EXTEND_SECONDS
        async for chunk in chunks:
            if loop.time() >= extend_at:
                kept = await self._database.write(
                    Transaction.RESERVE_BYTES,
                    EXTEND_RESERVATION,
                    reservation_id=self.reservation_id,
                    holds_ms=HOLDS_MS,
                )
                if not kept:
                    raise _expired()
                extend_at = loop.time() + EXTEND_SECONDS
            yield chunk

    async def settle(self, sizes: Mapping[Digest, int], *, released: bool = False) -> None:
        """Write down that the bytes are there, and whose they are.

        `released`: nothing names them yet; they go within the hour where nothing does. Raises Recoverable where the
        promise has ended.
        """
        settled = await self._database.write(
            Transaction.RECORD_ARTIFACT,
            SETTLE_RESERVATION,
            reservation_id=self.reservation_id,
            digests=list(sizes),
            sizes=list(sizes.values()),
            released=released,
        )
        if not settled:
            raise _expired()
        self.is_settled = True

    async def give_back(self) -> None:
        """Nothing was stored."""
        await self._database.write(Transaction.RESERVE_BYTES, GIVE_BACK_RESERVATION, reservation_id=self.reservation_id)


def _expired() -> Recoverable:
    return Recoverable("the upload took too long, and its room may be somebody else's", hint="try again")


async def unless_whole(work: Awaitable[T], is_whole: Callable[[], bool]) -> T:
    """Return what work comes to. Who is cancelled while it is whole waits for it: bytes that are there get an owner."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not is_whole():
            task.cancel()
        await asyncio.wait({task})
        raise


async def _finished(work: Awaitable[None]) -> None:
    await unless_whole(work, lambda: True)
