"""Forward-only migrations: `migrations/NNNN_title_{pre|post}.sql`, each once, in order, each in its own transaction.

`pre` is safe while the old code still runs, `post` needs the old code gone. Gateways that start at once take turns
under an advisory lock; what was applied is recorded with the digest of its text, so that history cannot be rewritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ProofgridError

MIGRATIONS = Path(__file__).parent / "migrations"

_FILE_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+_(pre|post)\.sql")
_LOCK = 0x70_67_6D_69_67  # "pgmig"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema, forward only."""

    version: int
    name: str  #: the file name
    sql: str

    @property
    def digest(self) -> Digest:
        return digest_of(self.sql.encode())


async def migrate(connection: Any, directory: Path = MIGRATIONS) -> list[str]:
    """Bring the database up to date; return the names of the migrations applied now.

    Raises ProofgridError when an applied file was changed or the database is newer than this code.
    """
    migrations = load_migrations(directory)
    # A session lock, not a transaction's: it must span the many transactions of one run.
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            """CREATE TABLE IF NOT EXISTS schema_migrations (
                version integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now())"""
        )
        rows = await connection.fetch("SELECT version, name, digest FROM schema_migrations ORDER BY version")
        pending = find_pending(migrations, [(row["version"], row["name"], row["digest"]) for row in rows])
        for migration in pending:
            await _apply(connection, migration)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [migration.name for migration in pending]


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


async def _apply(connection: Any, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, digest) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.digest,
        )
    log.info("migration_applied", name=migration.name)
