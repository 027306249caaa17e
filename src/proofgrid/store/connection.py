"""One connection to the database: asks queries with named parameters, answers with values."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import asyncpg

from proofgrid.store.queries import Query

Row = TypeVar("Row")


class Connection:
    """What `Database.transaction`, `snapshot` and `connection` yield. `raw` is the driver's own connection."""

    __slots__ = ("raw",)

    def __init__(self, raw: asyncpg.Connection) -> None:
        self.raw = raw

    @overload
    async def fetch(self, query: Query[Row], /, **named: object) -> list[Row]: ...
    @overload
    async def fetch(self, query: str, /, *args: object) -> list[Any]: ...
    async def fetch(self, query: Query[Any] | str, /, *args: object, **named: object) -> list[Any]:
        """Return all rows of a query. Raises TypeError for parameters that are not the query's."""
        if isinstance(query, str):
            rows: list[Any] = await self.raw.fetch(query, *args)
            return rows
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

    def is_closed(self) -> bool:
        """Was the connection lost, or given back?"""
        return bool(self.raw.is_closed())

    # Until every query is declared with its row: text and numbered arguments, as the driver takes them.

    async def fetchrow(self, query: str, *args: object) -> Any:
        return await self.raw.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        return await self.raw.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> Any:
        return await self.raw.execute(query, *args)
