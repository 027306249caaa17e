"""Fixtures: one embedded PostgreSQL for the whole run, and for every test a database cloned from a template."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from proofgrid.store import database as database_module
from proofgrid.store.database import Database
from proofgrid.store.embedded import EmbeddedPostgres, start_embedded
from proofgrid.store.migrations import migrate

_TEMPLATE = "proofgrid_template"
_PATIENT_MS = 60_000
_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def silence_is_borne() -> Iterator[None]:
    """Let no transaction of this process end because a busy machine left it standing for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for bound in ("IDLE_TRANSACTION_MS", "LOCK_SILENT_MS", "LOCK_WAIT_MS"):
            patch.setattr(database_module, bound, _PATIENT_MS)
        patch.setattr(database_module, "ANSWER_SECONDS", 2 * _PATIENT_MS / 1000)
        yield


@pytest.fixture(scope="session")
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this test run; its databases are thrown away, so nothing needs to reach the disk."""
    # Not pytest's tmp_path: a Unix socket needs a short path.
    data_dir = Path(tempfile.mkdtemp(prefix="pg-", dir=_in_memory()))
    server = start_embedded(data_dir)
    asyncio.run(_settle(server))
    yield server
    server.stop()
    shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(embedded_postgres: EmbeddedPostgres) -> str:
    """The name of a database with every migration applied; nobody writes to it."""
    asyncio.run(_make_template(embedded_postgres))
    return _TEMPLATE


@pytest.fixture
async def empty_database_dsn(embedded_postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database of this test's own without any table."""
    async for dsn in temporary_database(embedded_postgres, template="template0"):
        yield dsn


@pytest.fixture
async def database_dsn(embedded_postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """A database of this test's own with every migration applied."""
    async for dsn in temporary_database(embedded_postgres, template=template_database):
        yield dsn


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """A pool of connections to a database of this test's own with every migration applied."""
    database = await Database.connect(database_dsn, size=5)
    yield database
    await database.close()


async def temporary_database(server: EmbeddedPostgres, *, template: str) -> AsyncIterator[str]:
    """Yield the DSN of a new database; drop it in the end."""
    name = f"test_{next(_numbers)}"
    await _execute(server.dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.dsn_of(name)
    await _execute(server.dsn, f"DROP DATABASE {name} WITH (FORCE)")


def _in_memory() -> str | None:
    """Return a folder that is kept in memory, if there is one with room: databases are copied and thrown away there."""
    folder, room_bytes = "/dev/shm", 2 << 30
    try:
        return folder if shutil.disk_usage(folder).free > room_bytes else None
    except OSError:
        return None


async def _settle(server: EmbeddedPostgres) -> None:
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        await _execute(server.dsn, f"ALTER SYSTEM SET {setting}")
    await _execute(server.dsn, "SELECT pg_reload_conf()")


async def _make_template(server: EmbeddedPostgres) -> None:
    await _execute(server.dsn, f"CREATE DATABASE {_TEMPLATE}")
    connection = await asyncpg.connect(server.dsn_of(_TEMPLATE))
    try:
        await migrate(connection)
    finally:
        await connection.close()


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
