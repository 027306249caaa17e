"""Forward-only migrations: `migrations/NNNN_title_{pre|post}.sql`, each once, in order, each in its own transaction.

`pre` is safe while the old code still runs, `post` needs the old code gone. Gateways that start at once take turns
under an advisory lock; what was applied is recorded with the digest of its text, so that history cannot be rewritten.

Functions have no history: `functions/<name>.sql`, its sets of states spelled (`@tasks_open`), is the text that counts.
Whatever differs from the text that was applied last is applied anew, after the migrations, all of it or nothing. A
migration makes a function itself only when a table of its own needs it at once: as a default, in an index or a trigger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ProofgridError
from proofgrid.store.queries import spell_states

MIGRATIONS = Path(__file__).parent / "migrations"
FUNCTIONS = Path(__file__).parent / "functions"

_FILE_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+_(pre|post)\.sql")
_LOCK = 0x70_67_6D_69_67  # "pgmig"

_RECORDS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS schema_functions (
    name text PRIMARY KEY, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    name: str  #: the file name
    sql: str

    @property
    def digest(self) -> Digest:
        return digest_of(self.sql.encode())


class Function(_Text):
    """One function of the database as it is today: `CREATE OR REPLACE FUNCTION`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration(_Text):
    """One step of the schema, forward only."""

    version: int


async def migrate(
    connection: asyncpg.Connection, directory: Path = MIGRATIONS, functions: Path = FUNCTIONS
) -> list[str]:
    """Bring the database up to date; return the file names of migrations and functions applied now.

    Raises ProofgridError when an applied migration was changed or the database is newer than this code.
    """
    migrations = load_migrations(directory)
    bodies = load_functions(functions)
    # A session lock, not a transaction's: it must span the many transactions of one run.
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_RECORDS)
        rows = await connection.fetch("SELECT version, name, digest FROM schema_migrations ORDER BY version")
        pending = find_pending(migrations, [tuple(row) for row in rows])
        for migration in pending:
            await _apply(connection, migration)
        applied = dict(await connection.fetch("SELECT name, digest FROM schema_functions"))
        changed = [body for body in bodies if applied.get(body.name) != body.digest]
        if changed:
            await _replace(connection, changed)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [done.name for done in (*pending, *changed)]


def load_migrations(directory: Path) -> list[Migration]:
    """Return the migrations of a directory in order; raise ValueError for bad names, gaps and twins."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if not match:
            raise ValueError(f"{path.name}: migrations are named NNNN_title_pre.sql or NNNN_title_post.sql")
        found.append(Migration(version=int(match["version"]), name=path.name, sql=path.read_text(encoding="utf-8")))
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise ValueError(f"{migration.name}: the next migration must have the number {expected:04d}")
    return found


def load_functions(directory: Path) -> list[Function]:
    """Return the functions of a directory, by name; raise ValueError for one whose file has another name."""
    found = []
    for path in sorted(directory.glob("*.sql")):
        sql = spell_states(path.read_text(encoding="utf-8"))
        if re.findall(r"^CREATE.*?(\w+)\(", sql, re.MULTILINE) != [path.stem]:
            raise ValueError(f"{path.name}: a function's file makes the one function that it is named after")
        found.append(Function(name=path.name, sql=sql))
    return found


def find_pending(migrations: list[Migration], applied: list[tuple[int, str, str]]) -> list[Migration]:
    """Return what is still to do; raise ProofgridError when code and database do not share one history."""
    known = {migration.version: migration for migration in migrations}
    for version, name, digest in applied:
        migration = known.get(version)
        if migration is None:
            raise ProofgridError(
                f"the database is newer than this code: it has migration {name}", hint="upgrade proofgrid on this host"
            )
        if migration.digest != digest:
            raise ProofgridError(
                f"migration {name} was changed after it was applied", hint="restore the file; add a new migration"
            )
    done = {version for version, _, _ in applied}
    return [migration for migration in migrations if migration.version not in done]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, digest) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.digest,
        )
    log.info("migration_applied", name=migration.name)


async def _replace(connection: asyncpg.Connection, functions: Sequence[Function]) -> None:
    async with connection.transaction():
        # Some of them may call each other; a test holds every body against the tables.
        await connection.execute("SET LOCAL check_function_bodies = off")
        for function in functions:
            await connection.execute(function.sql)
            await connection.execute(
                "INSERT INTO schema_functions (name, digest) VALUES ($1, $2)"
                " ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, applied_at = now()",
                function.name,
                function.digest,
            )
    log.info("functions_replaced", names=[function.name for function in functions])
