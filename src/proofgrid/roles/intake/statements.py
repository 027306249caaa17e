"""Statements: the opening, every movement page by page, the closing; what is kept in memory is one page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import InvalidField, NotAllowed, Unavailable
from proofgrid.primitives.ids import AccountId
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.primitives.pages import Place, read_cursor, spell_cursor
from proofgrid.primitives.signatures import parse_address
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.ledger.statement import NETWORK_OWNERS, Running, accounts_of, price_of
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.statements import STATEMENT_MOVEMENTS, STATEMENT_OPENING, StoredMovement

PAGE = 500
AT_ONCE = 2  #: statements that read at one time; a connection each
COMMIT_SECONDS = 0.2  #: what was posted by now is committed then


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What all accounts of the owner held together at `from_ms`, in base units."""

    owner: str
    from_ms: int
    to_ms: int
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A transfer as one of the owner's accounts sees it, and the balance after it; amounts are base units."""

    at_ms: int
    transfer_id: str
    account: AccountId
    counter_account: AccountId
    amount: int  #: negative where it leaves the account
    balance: int
    reason: str
    task_id: UUID | None
    job_id: UUID | None
    lane: str
    round: int
    units: int
    price: int  #: per PU, where the amount was made by a price


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What they hold at the end, which the opening and the movements explain; sum and number by reason."""

    balance: int
    movements: int
    sums: Mapping[str, tuple[int, int]]
    next_cursor: str = ""  #: behind which it goes on; empty: this is its end


Part = Opening | Sequence[Movement] | Closing


class Statements:
    """Everybody has a statement of its own; administrators read all, and those of the network's owners."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._reading = asyncio.Semaphore(AT_ONCE)

    @needs(*ANYBODY, scopes=(Scope.ACCOUNT_READ,))
    async def read_for(
        self, caller: Caller, owner: str, *, from_ms: int, to_ms: int, limit: int = 0, cursor: str = ""
    ) -> AsyncIterator[Part]:
        """Yield the parts of a statement of `owner`: an address, one of the network's owners, or, empty, the caller.

        `to_ms` 0 means now. With a `limit` it is a page of so many movements; its closing says where the next begins.
        Raises NotAllowed, InvalidField, or Unavailable when money moved behind our back.
        """
        owner = _parse_owner(owner) if owner else str(caller.address)
        if owner != caller.address and not caller.is_admin:
            raise NotAllowed("others' statements are for administrators", field="owner")
        if from_ms < 0 or to_ms < 0 or 0 < to_ms < from_ms:
            raise InvalidField("a statement ends after it begins", field="to_ms")
        if limit or cursor:
            parts = self._page(owner, from_ms=from_ms, to_ms=to_ms, limit=list_limit(limit), cursor=cursor)
        else:
            parts = self.read(owner, from_ms=from_ms, to_ms=to_ms)
        async for part in parts:
            yield part

    async def _page(self, owner: str, *, from_ms: int, to_ms: int, limit: int, cursor: str) -> AsyncIterator[Part]:
        """Yield the parts of one page. What its accounts held before is in the cursor: only its owner can bend it."""
        begins = read_cursor(cursor, "statement", (0, "", 0, 0))
        if abs(int(begins[3])) > AMOUNT_MAX:
            raise InvalidField("no account holds so much", field="cursor")
        async with self._reading, self._database.connection() as connection:
            now_ms = await connection.value(DATABASE_TIME)
        if not 0 < to_ms <= now_ms:
            to_ms = now_ms
            await self._clock.sleep(COMMIT_SECONDS)
        from_ms = min(from_ms, to_ms)
        running = Running(int(begins[3]) if cursor else await self._balance(owner, from_ms))
        yield Opening(owner=owner, from_ms=from_ms, to_ms=to_ms, balance=running.balance)
        rows = await self._rows(owner, from_ms, to_ms, after=begins, limit=limit + 1)
        if shown := [_movement(row, running) for row in rows[:limit]]:
            yield shown
        following = ""
        if len(rows) > limit:
            last = rows[limit - 1]
            following = spell_cursor("statement", (last.at_ms, last.transfer_id, last.amount, running.balance))
        yield Closing(balance=running.balance, movements=running.movements, sums=running.sums, next_cursor=following)

    async def read(self, owner: str, *, from_ms: int = 0, to_ms: int = 0) -> AsyncIterator[Part]:
        """Yield the parts of a statement; raise Unavailable when money moved behind our back."""
        async with self._reading, self._database.connection() as connection:
            now_ms = await connection.value(DATABASE_TIME)
        if not 0 < to_ms <= now_ms:
            to_ms = now_ms
            await self._clock.sleep(COMMIT_SECONDS)
        from_ms = min(from_ms, to_ms)
        running = Running(await self._balance(owner, from_ms))
        yield Opening(owner=owner, from_ms=from_ms, to_ms=to_ms, balance=running.balance)
        async for rows in self._pages(owner, from_ms, to_ms):
            yield [_movement(row, running) for row in rows]
        if await self._balance(owner, to_ms) != running.balance:
            raise Unavailable("money moved while the statement was read", hint="ask again")
        yield Closing(balance=running.balance, movements=running.movements, sums=running.sums)

    async def _pages(self, owner: str, from_ms: int, to_ms: int) -> AsyncIterator[Sequence[StoredMovement]]:
        after: Place = (0, "", 0)
        while True:
            rows = await self._rows(owner, from_ms, to_ms, after=after, limit=PAGE)
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            after = (rows[-1].at_ms, rows[-1].transfer_id, rows[-1].amount)

    async def _rows(
        self, owner: str, from_ms: int, to_ms: int, *, after: Place, limit: int
    ) -> Sequence[StoredMovement]:
        async with self._reading, self._database.connection() as connection:
            return await connection.fetch(
                STATEMENT_MOVEMENTS,
                owner=owner,
                accounts=accounts_of(owner),
                from_ms=from_ms,
                to_ms=to_ms,
                after_ms=after[0],
                after_id=after[1],
                after_amount=after[2],
                limit=limit,
            )

    async def _balance(self, owner: str, at_ms: int) -> int:
        """Return what all accounts of the owner held together."""
        async with self._reading, self._database.connection() as connection:
            return await connection.value(STATEMENT_OPENING, owner=owner, accounts=accounts_of(owner), from_ms=at_ms)


def _parse_owner(text: str) -> str:
    return text if text in NETWORK_OWNERS else str(parse_address(text, field="owner"))


def _movement(row: StoredMovement, running: Running) -> Movement:
    units = row.units or 0
    return Movement(
        at_ms=row.at_ms,
        transfer_id=row.transfer_id,
        account=row.account,
        counter_account=row.counter,
        amount=row.amount,
        balance=running.move(row.amount, row.reason),
        reason=row.reason,
        task_id=row.task_id,
        job_id=row.job_id,
        lane=row.lane or "",
        round=row.round or 0,
        units=units,
        price=price_of(row.reason, amount=row.amount, units=units),
    )
