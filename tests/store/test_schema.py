"""What stands in schema.sql is the schema that the migrations make."""

from __future__ import annotations

from proofgrid.store.database import Database
from tests.store.schema_text import SCHEMA, schema_text


async def test_schema_sql_is_what_the_migrations_make(database: Database) -> None:
    async with database.unhurried_connection() as connection:
        made = await schema_text(connection)

    assert SCHEMA.read_text(encoding="utf-8") == made, "write it anew: make schema"
