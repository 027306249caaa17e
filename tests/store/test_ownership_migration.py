"""Programs from before owners counted: private to who registered them, and kept by who has used them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import asyncpg
import pytest

from proofgrid.store.migrations import MIGRATIONS, migrate

NOBODY = "0x" + "0" * 40
MANIFEST = {
    "files": {"srs": "S", "node/srs.verifier": "V", "model-0": "A", "model-1": "B", "same-as-1": "B", "key": "K"},
    "verifying_files": ["node/srs.verifier", "key"],
    "slices": [
        {"index": 0, "files": ["srs", "model-0", "key"]},
        {"index": 1, "files": ["srs", "same-as-1", "model-0"]},
    ],
    "wraps": [{"index": 2, "files": ["key"]}],
}


@pytest.fixture
async def migrated(empty_database_dsn: str, tmp_path: Path) -> asyncpg.Connection:
    """A network with one program, its files the network's, upgraded."""
    old = tmp_path / "migrations"
    old.mkdir()
    [this] = MIGRATIONS.glob("*_ownership_pre.sql")
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if path.name < this.name:
            shutil.copy(path, old)
    connection = await asyncpg.connect(empty_database_dsn)
    await migrate(connection, old, functions=old / "none")
    await connection.execute(
        "INSERT INTO programs (digest, proof_system, owner, label, manifest, slices, units)"
        " VALUES ('p', 'toy', '0xowner', 'mine', $1, 2, 2)",
        json.dumps(MANIFEST),
    )
    for digest in ("S", "V", "A", "B", "K"):
        await connection.execute("INSERT INTO artifacts (digest, owner, size_bytes) VALUES ($1, '', 10)", digest)
        await connection.execute("INSERT INTO program_files (digest, program_digest) VALUES ($1, 'p')", digest)
    await connection.execute("INSERT INTO artifacts (digest, owner, size_bytes) VALUES ('root', '', 10)")
    for client in ("0xowner", "0xuser", "0xuser", NOBODY):
        await connection.execute(
            "INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement,"
            " inputs, limit_price, units, escrow, deadline_ms, jobs_open)"
            " VALUES (gen_random_uuid(), $1, 'p', 'done', gen_random_uuid()::text, '', '{}', 1, 1, 1, 1, 0, 0)",
            client,
        )
    await migrate(connection)
    return connection


async def test_who_registered_it_owns_it_and_who_has_used_it_goes_on(migrated: asyncpg.Connection) -> None:
    owners = await migrated.fetch("SELECT program_digest, owner, label FROM program_owners")
    assert [tuple(row) for row in owners] == [("p", "0xowner", "mine")]
    assert await migrated.fetchval("SELECT array_agg(audience) FROM program_shares") == ["0xuser"]
    await migrated.close()


async def test_its_files_are_its_owners_and_each_for_who_needs_it_and_trust_roots_stay_everybodys(
    migrated: asyncpg.Connection,
) -> None:
    rows = await migrated.fetch("SELECT digest, owner FROM artifacts ORDER BY digest")
    assert {row["digest"]: row["owner"] for row in rows} == {
        **dict.fromkeys("ABK", "0xowner"),
        **dict.fromkeys(("S", "V", "root"), ""),
    }
    files = await migrated.fetch("SELECT digest, slices, is_for_verifiers FROM program_files")
    assert {row["digest"]: (row["slices"], row["is_for_verifiers"]) for row in files} == {
        "S": ([0, 1], False),
        "V": ([], True),
        "A": ([0, 1], False),
        "B": ([1], False),
        "K": ([0, 2], True),
    }
    await migrated.close()
