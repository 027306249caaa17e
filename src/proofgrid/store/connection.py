"""One connection to the database: asks queries with named parameters, answers with values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from proofgrid.store.queries import Query

Row = TypeVar("Row")


class Connection:
    """What `Database.transaction`, `snapshot` and `connection` yield. `raw` is the driver's own connection."""

    __slots__ = ("_afterwards", "raw")

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw
        self._afterwards: list[Callable[[], None]] | None = None  #: None: in no transaction

    def begun(self) -> None:
        """A transaction has begun on it."""
        self._afterwards = []

    def once_committed(self, note: Callable[[], None]) -> None:
        """Do something quick, such as counting, once what was done so far counts; never, where it is undone."""
        if self._afterwards is None:
            note()
        else:
            self._afterwards.append(note)

    def committed(self) -> None:
        """It was committed."""
        notes, self._afterwards = self._afterwards or [], None
        for note in notes:
            note()

    async def fetch(self, query: Query[Row], /, **named: object) -> list[Row]:
        """Return all rows of a query. Raises TypeError for parameters that are not the query's."""
        return query.values(await self.raw.fetch(query.text, *query.arguments(named)))

    async def first(self, query: Query[Row], /, **named: object) -> Row | None:
        """Return the first row of a query, or None where there is none."""
        record = await self.raw.fetchrow(query.text, *query.arguments(named))
        return None if record is None else query.values([record])[0]

    async def value(self, query: Query[Row], /, **named: object) -> Row:
        """Return the one row of a query that always has one; raise LookupError where it has none."""
        record = await self.raw.fetchrow(query.text, *query.arguments(named))
        if record is None:
            raise LookupError(f"query {query.name!r} has no row")
        return query.values([record])[0]

    async def run(self, query: Query[Any], /, **named: object) -> None:
        """Run a statement whose rows, if it has any, do not matter."""
        await self.raw.fetch(query.text, *query.arguments(named))

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """Do a part of a transaction; an error undoes that part only, and is raised."""
        await self.raw.execute("SAVEPOINT part")
        try:
            yield
        except Exception:
            await self.raw.execute("ROLLBACK TO SAVEPOINT part")
            raise
        await self.raw.execute("RELEASE SAVEPOINT part")

    def gone(self) -> asyncpg.Connection:
        """Return the driver's connection, which cannot be used through this object any more."""
        raw, self.raw = self.raw, _GIVEN_BACK
        return raw

    def is_closed(self) -> bool:
        """Was the connection lost, or given back?"""
        return is_closed(self.raw)


class _GivenBack:
    """In the place of a driver's connection that somebody else may have by now."""

    def is_closed(self) -> bool:
        return True

    def __getattr__(self, name: str) -> object:
        raise asyncpg.InterfaceError(f"the connection was given back, and was then asked for {name}")


_GIVEN_BACK = _GivenBack()


def is_closed(raw: asyncpg.Connection) -> bool:
    """Was the driver's connection lost, or given back?"""
    try:
        return bool(raw.is_closed())
    except asyncpg.InterfaceError:
        return True  # the pool took it back when it was lost
