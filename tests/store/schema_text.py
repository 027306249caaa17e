"""Spells the schema of a database as SQL to read, out of PostgreSQL's catalogue; `make schema` writes it down."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import asyncpg

from proofgrid.store.embedded import start_embedded
from proofgrid.store.migrations import MIGRATIONS, migrate

SCHEMA = MIGRATIONS.parent / "schema.sql"

_HEAD = """\
-- Today's whole schema, made by `make schema` out of what the migrations make; a test holds the two equal.
-- For readers: nothing executes it. What columns mean stands where they were added, in migrations/*.sql.
"""

_TABLES = """
SELECT c.oid, c.relname AS name, coalesce(array_to_string(c.reloptions, ', '), '') AS options FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
    a.attidentity <> '' AS identity, pg_get_expr(d.adbin, d.adrelid) AS fallback
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1 AND contype IN ('p', 'u', 'c', 'f')
ORDER BY array_position(ARRAY['p', 'u', 'c', 'f'], contype::text), conname
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = $1)
ORDER BY c.relname
"""
_TRIGGERS = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY tgname"
_VIEWS = """
SELECT relname AS name, pg_get_viewdef(oid, true) AS text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' ORDER BY relname
"""
_SEQUENCES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'i' AND refclassid = 'pg_class'::regclass)
ORDER BY c.relname
"""
_FUNCTIONS = """
SELECT proname AS name, pg_get_function_identity_arguments(oid) AS takes, pg_get_function_result(oid) AS gives
FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname
"""


async def schema_text(connection: Any) -> str:
    """Return the database's tables, indexes, constraints, triggers, views and sequences as SQL, functions by name."""
    parts = [_HEAD]
    parts += [f"CREATE SEQUENCE {row['relname']};\n" for row in await connection.fetch(_SEQUENCES)]
    for table in await connection.fetch(_TABLES):
        parts.append(await _table_text(connection, table))
    parts += [
        f"CREATE VIEW {row['name']} AS\n{_plain(row['text'].strip())}\n" for row in await connection.fetch(_VIEWS)
    ]
    functions = await connection.fetch(_FUNCTIONS)
    parts.append("".join(f"-- functions/{f['name']}.sql: ({f['takes']}) -> {f['gives']}\n" for f in functions))
    return "\n".join(parts)


async def _table_text(connection: Any, table: Any) -> str:
    columns = await connection.fetch(_COLUMNS, table["oid"])
    width = max(len(column["name"]) for column in columns)
    lines = [f"{column['name']:<{width}} {_column_text(column)}" for column in columns]
    lines += [_plain(row[0]) for row in await connection.fetch(_CONSTRAINTS, table["oid"])]
    options = f" WITH ({table['options']})" if table["options"] else ""
    text = f"CREATE TABLE {table['name']} (\n    " + ",\n    ".join(lines) + f"\n){options};\n"
    for query in (_INDEXES, _TRIGGERS):
        text += "".join(f"{_plain(row[0])};\n" for row in await connection.fetch(query, table["oid"]))
    return text


def _column_text(column: Any) -> str:
    text: str = column["type"]
    text += " NOT NULL" if column["required"] else ""
    text += " GENERATED ALWAYS AS IDENTITY" if column["identity"] else ""
    return text + (f" DEFAULT {_plain(column['fallback'])}" if column["fallback"] is not None else "")


def _plain(definition: str) -> str:
    return re.sub(r"('[^']*')::text\b", r"\1", re.sub(r"\bpublic\.", "", definition)).replace(" USING btree", "")


async def _write() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = await asyncio.to_thread(start_embedded, folder)
    try:
        connection = await asyncpg.connect(server.dsn)
        await migrate(connection)
        SCHEMA.write_text(await schema_text(connection), encoding="utf-8")
        await connection.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(_write())
