"""Small bundles live in rows of the database, and are read, checked and backed up like any artifact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofgrid.primitives.clock import SystemClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, UnknownArtifact
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.artifacts import Artifacts
from proofgrid.roles.intake.reservations import Reservations
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.backup import back_up, restore
from proofgrid.store.database import Database
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore
from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings
from proofgrid.store.stored_artifacts import rows_of
from proofgrid.store.troubles import Troubles
from tests.makers import a_program

OWNER = Address("0xowner")
CONTENT = b"a small bundle"
DIGEST = digest_of(CONTENT)


@pytest.fixture
async def artifacts(database: Database, tmp_path: Path) -> AsyncIterator[ArtifactStore]:
    """A store that holds nothing, beside a row that holds a bundle."""
    await keep_in_row(database, DIGEST, CONTENT)
    yield ArtifactStore.open(str(tmp_path / "artifacts"), rows=rows_of(database))


async def keep_in_row(database: Database, digest: Digest, content: bytes) -> None:
    async with database.connection() as connection:
        await connection.raw.execute(
            "INSERT INTO artifacts (digest, owner, size_bytes, content) VALUES ($1, $2, $3, $4)",
            *(digest, OWNER, len(content), content),
        )


async def test_what_lives_in_a_row_is_read_through_the_store(artifacts: ArtifactStore, tmp_path: Path) -> None:
    assert await artifacts.size(DIGEST) == len(CONTENT)
    assert await artifacts.exists(DIGEST)
    assert await artifacts.read_bytes(DIGEST, limit_bytes=100) == CONTENT
    assert b"".join([piece async for piece in artifacts.open_stream(DIGEST, offset=2)]) == CONTENT[2:]
    await artifacts.fetch_to(DIGEST, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    with pytest.raises(ArtifactMissing):
        await artifacts.read_bytes(digest_of(b"nowhere"), limit_bytes=100)


async def test_a_mirrored_store_reads_it_too(artifacts: ArtifactStore, database: Database, tmp_path: Path) -> None:
    second = ArtifactStore.open(str(tmp_path / "second"))

    mirrored = MirroredStore(artifacts, second, DatabaseRepairList(database))

    assert await mirrored.read_bytes(DIGEST, limit_bytes=100) == CONTENT
    with pytest.raises(ArtifactMissing):
        await mirrored.read_bytes(digest_of(b"nowhere"), limit_bytes=100)


async def test_a_row_that_rotted_is_refused_wherever_it_is_read(
    artifacts: ArtifactStore, database: Database, tmp_path: Path
) -> None:
    async with database.connection() as connection:
        await connection.raw.execute("UPDATE artifacts SET content = 'other' WHERE digest = $1", DIGEST)

    with pytest.raises(ArtifactCorrupt):
        await artifacts.read_bytes(DIGEST, limit_bytes=100)
    with pytest.raises(ArtifactCorrupt):
        await download(database, artifacts, OWNER)
    with pytest.raises(ArtifactCorrupt):
        await artifacts.fetch_to(DIGEST, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_its_owner_reads_it_and_nobody_else(artifacts: ArtifactStore, database: Database) -> None:
    assert await download(database, artifacts, OWNER) == CONTENT
    with pytest.raises(UnknownArtifact):
        await download(database, artifacts, Address("0xother"))


async def download(database: Database, artifacts: ArtifactStore, reader: Address) -> bytes:
    reservations = Reservations(database, SystemClock(), limits=Limits())
    door = Artifacts(database, artifacts, reservations, Troubles(SystemClock()), limits=Limits())
    caller = Caller(address=reader, roles=frozenset({Role.CLIENT}))
    return b"".join([piece async for piece in door.read(caller, DIGEST)])


async def test_the_dump_has_it_and_nothing_is_missing(
    artifacts: ArtifactStore, database: Database, empty_database_dsn: str, tmp_path: Path
) -> None:
    made = await back_up(database, artifacts, tmp_path / "backup")
    await restore(empty_database_dsn, tmp_path / "backup")

    assert (made.artifacts, made.missing) == (0, 0)
    restored = await Database.connect(empty_database_dsn, size=1)
    elsewhere = ArtifactStore.open(str(tmp_path / "elsewhere"), rows=rows_of(restored))
    assert await elsewhere.read_bytes(DIGEST, limit_bytes=100) == CONTENT
    await restored.close()


async def test_retention_keeps_it_as_long_as_its_task(artifacts: ArtifactStore, database: Database) -> None:
    await keep_in_row(database, digest_of(b"of no task"), b"of no task")
    async with database.connection() as connection:
        columns = ", ".join(a_program())
        values = a_program(manifest={})
        marks = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await connection.raw.execute(f"INSERT INTO programs ({columns}) VALUES ({marks})", *values.values())  # noqa: S608
        await connection.raw.execute(
            "INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement,"
            " inputs, limit_price, units, escrow, deadline_ms, jobs_open, bundle_digest, finished_ms)"
            " VALUES (gen_random_uuid(), $1, 'p', 'done', '', '', '{}', 1, 1, 1, 0, 0, 0, $2, 1)",
            *(OWNER, DIGEST),
        )
        await connection.raw.execute("UPDATE artifacts SET created_ms = 1")

    tidied = await Retention(database, artifacts, RetentionSettings(keep_ms=DAY_MS)).tidy()

    assert tidied is not None
    assert tidied.forgotten == 1
    assert await artifacts.read_bytes(DIGEST, limit_bytes=100) == CONTENT
    with pytest.raises(ArtifactMissing):
        await artifacts.read_bytes(digest_of(b"of no task"), limit_bytes=100)
