"""Every named query is used, and every use names a query; every statement is one that PostgreSQL can prepare."""

from __future__ import annotations

import re
from pathlib import Path

from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES

SOURCE = Path(__file__).parents[2] / "src" / "proofgrid"


def test_every_named_query_is_used_and_every_use_names_one() -> None:
    used: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        used |= set(re.findall(r'QUERIES\[\s*"(\w+)"\s*\]', path.read_text()))
    assert used == set(QUERIES)


async def test_every_query_can_be_prepared_against_the_real_tables(database: Database) -> None:
    async with database.connection() as connection:
        for name in QUERIES:
            await connection.prepare(QUERIES[name])
