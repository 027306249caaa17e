"""Backup and restore: a network's whole memory goes out and comes back, or the attempt is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, InvalidField
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.backup import back_up, restore, restore_artifacts
from proofgrid.store.database import Database
from proofgrid.store.migrations import migrate
from proofgrid.store.stored_artifacts import RECORD_ARTIFACTS
from tests.store.test_artifacts import flip_byte, stored_file

TRANSFER = {"transfer_id": "t1", "debit": "mint", "credit": "0xclient", "amount": 123456789012, "reason": "deposit"}


async def ask(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def everything(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    tables = await ask(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return {name: await ask(dsn, f"SELECT * FROM {name} ORDER BY 1, 2") for (name,) in tables}  # noqa: S608


async def a_network(database: Database, artifacts: ArtifactStore) -> None:
    """Money, an artifact and a fence that was given out."""
    async with database.connection() as connection:
        await connection.raw.execute("SELECT post_transfers($1)", [TRANSFER])
        await connection.raw.execute("SELECT nextval('fences') FROM generate_series(1, 41)")
        for content in (b"bundle", b"srs"):
            digest = await artifacts.put_bytes(content)
            await connection.run(RECORD_ARTIFACTS, owners=["0xclient"], digests=[digest], sizes=[len(content)])


async def test_a_network_comes_back_as_it_was(
    database: Database, artifacts: ArtifactStore, empty_database_dsn: str, tmp_path: Path
) -> None:
    await a_network(database, artifacts)

    made = await back_up(database, artifacts, tmp_path / "backup")
    assert await restore(empty_database_dsn, tmp_path / "backup") == made
    elsewhere = ArtifactStore.open(str(tmp_path / "elsewhere"))
    assert await restore_artifacts(tmp_path / "backup", elsewhere) == made.artifacts == 2

    before, after = await everything(database.dsn), await everything(empty_database_dsn)
    assert after == before
    assert len(after["transfers"]) == 1
    assert await elsewhere.read_bytes(digest_of(b"bundle"), limit_bytes=6) == b"bundle"
    # A fence given out before the backup is never given out again.
    assert await ask(empty_database_dsn, "SELECT nextval('fences')") == [(42,)]
    connection = await asyncpg.connect(empty_database_dsn)
    assert await migrate(connection) == []
    await connection.close()


async def test_a_second_backup_into_the_same_folder_has_the_newest_and_copies_only_what_is_new(
    database: Database, artifacts: ArtifactStore, empty_database_dsn: str, tmp_path: Path
) -> None:
    await a_network(database, artifacts)
    await back_up(database, artifacts, tmp_path / "backup")
    copy = tmp_path / "backup" / "artifacts" / "sha256" / digest_of(b"srs")[:2] / digest_of(b"srs")
    written_ns = copy.stat().st_mtime_ns
    digest = await artifacts.put_bytes(b"later")
    async with database.connection() as connection:
        await connection.run(RECORD_ARTIFACTS, owners=["0xother"], digests=[digest], sizes=[5])

    assert (await back_up(database, artifacts, tmp_path / "backup")).artifacts == 3
    await restore(empty_database_dsn, tmp_path / "backup")

    assert (digest,) in await ask(empty_database_dsn, "SELECT digest FROM artifacts")
    assert copy.stat().st_mtime_ns == written_ns


async def test_a_database_in_use_is_not_overwritten(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    await a_network(database, artifacts)
    await back_up(database, artifacts, tmp_path / "backup")
    before = await everything(database.dsn)

    with pytest.raises(InvalidField, match="not empty"):
        await restore(database.dsn, tmp_path / "backup")

    assert await everything(database.dsn) == before


async def test_a_dump_that_was_changed_is_refused_and_nothing_is_loaded(
    database: Database, artifacts: ArtifactStore, empty_database_dsn: str, tmp_path: Path
) -> None:
    await back_up(database, artifacts, tmp_path / "backup")
    flip_byte(tmp_path / "backup" / "database.dump", 4_000)

    with pytest.raises(InvalidField, match="not the dump"):
        await restore(empty_database_dsn, tmp_path / "backup")

    assert await everything(empty_database_dsn) == {}


async def test_an_artifact_that_rotted_in_the_backup_is_not_restored(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    await a_network(database, artifacts)
    await back_up(database, artifacts, tmp_path / "backup")
    flip_byte(stored_file(tmp_path / "backup", digest_of(b"bundle")), 0)
    elsewhere = ArtifactStore.open(str(tmp_path / "elsewhere"))

    with pytest.raises(ArtifactCorrupt):
        await restore_artifacts(tmp_path / "backup", elsewhere)

    assert not await elsewhere.exists(digest_of(b"bundle"))


async def test_an_artifact_that_the_store_lost_is_counted_and_the_rest_is_saved(
    database: Database, artifacts: ArtifactStore, tmp_path: Path
) -> None:
    await a_network(database, artifacts)
    await artifacts.delete(digest_of(b"srs"))

    made = await back_up(database, artifacts, tmp_path / "backup")

    assert (made.artifacts, made.missing) == (1, 1)


async def test_a_folder_that_is_no_backup_is_refused(empty_database_dsn: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="holds no whole backup"):
        await restore(empty_database_dsn, tmp_path)
