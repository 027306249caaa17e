"""Looks at a database before anybody works with it: who it is, how it keeps commits, which tables it has."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import Unavailable
from proofgrid.store.migrations import MIGRATIONS, load_migrations

CONNECT_SECONDS = 10.0
_TROUBLES = (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
_ASKED = """
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       current_setting('max_connections')::int AS connections_max,
       current_setting('synchronous_commit') <> 'off' AS commits_are_kept,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted,
       inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8' AS is_here,
       to_regclass('schema_migrations') IS NOT NULL AS has_tables
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDatabase:
    """What a database said of itself."""

    major: int
    ahead_ms: int  #: its clock, of ours
    connections_max: int
    commits_are_kept: bool
    is_private: bool  #: the connection is encrypted, or stays on this machine
    is_newer: bool  #: a later release made its tables
    pending: int  #: migrations of this release that it has not


async def look_at_database(dsn: str, clock: Clock) -> SeenDatabase:
    """Return what a database says of itself; nothing is changed. Raises Unavailable, with its driver's reason."""
    try:
        return await _look(dsn, clock)
    except _TROUBLES as reason:
        raise Unavailable(str(reason) or type(reason).__name__) from reason


async def _look(dsn: str, clock: Clock) -> SeenDatabase:
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    try:
        before = clock.now_ms()
        said = await connection.fetchrow(_ASKED)
        ours = (before + clock.now_ms()) // 2
        rows = await connection.fetch("SELECT version FROM schema_migrations") if said["has_tables"] else []
        major = connection.get_server_version().major
    finally:
        await connection.close()
    known = {one.version for one in load_migrations(MIGRATIONS)}
    applied = {row["version"] for row in rows}
    return SeenDatabase(
        major=major,
        ahead_ms=said["now_ms"] - ours,
        connections_max=said["connections_max"],
        commits_are_kept=said["commits_are_kept"],
        is_private=said["is_encrypted"] or said["is_here"],
        is_newer=bool(applied - known),
        pending=len(known - applied),
    )
