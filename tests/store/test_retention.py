"""Retention: what nothing needs goes, what anything needs stays, and what is needed again in between comes back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import ArtifactMissing
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.programs import INSERT_PROGRAM, INSERT_PROGRAM_FILES, OWN_PROGRAM_FILES
from proofgrid.store.retention import DAY_MS, LOCK_RETENTION, UNLOCK_RETENTION, Retention, RetentionSettings, Tidied
from proofgrid.store.stored_artifacts import RECORD_ARTIFACTS
from proofgrid.store.transactions import Transaction
from tests.makers import a_program

CLIENT = "0xclient"
KEEP_MS = 30 * DAY_MS


class World:
    """A store, its tables, and a hand on the calendar."""

    def __init__(self, database: Database, artifacts: ArtifactStore, root: Path) -> None:
        self.database = database
        self.artifacts = artifacts
        self.root = root / "artifacts"
        self.retention = Retention(database, artifacts, RetentionSettings(keep_ms=KEEP_MS))

    async def execute(self, sql: str, *values: object) -> None:
        async with self.database.connection() as connection:
            await connection.raw.execute(sql, *values)

    async def upload(self, text: str, owner: str = CLIENT) -> Digest:
        digest = await self.artifacts.put_bytes(text.encode())
        async with self.database.connection() as connection:
            await connection.run(RECORD_ARTIFACTS, owners=[owner], digests=[digest], sizes=[len(text)])
        return digest

    async def days_pass(self, days: int) -> None:
        for table, column in (("artifacts", "created_ms"), ("artifact_garbage", "since_ms"), ("tasks", "finished_ms")):
            await self.execute(f"UPDATE {table} SET {column} = {column} - $1", days * DAY_MS)  # noqa: S608
        for path in self.root.rglob("*"):
            if path.is_file():
                status = path.stat()
                os.utime(path, (status.st_atime - days * 86_400, status.st_mtime - days * 86_400))

    async def program(self) -> Digest:
        file = await self.upload("program file")
        async with self.database.connection() as connection:
            await connection.run(INSERT_PROGRAM, **a_program(owner=CLIENT))
            await connection.run(
                INSERT_PROGRAM_FILES,
                program_digest="p",
                files=[{"digest": file, "slices": [0], "is_for_verifiers": False}],
            )
            await connection.run(OWN_PROGRAM_FILES, program_digest="p", owner=CLIENT, digests=[], sizes=[])
        return file

    async def task(self, state: str, job_input: str, proof: str | None = None, bundle: str | None = None) -> UUID:
        await self.program()
        task_id = uuid4()
        await self.execute(
            "INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest, statement,"
            " inputs, limit_price, units, escrow, deadline_ms, jobs_open, bundle_digest, finished_ms)"
            " VALUES ($1, $2, 'p', $3, $4, '', '{}', 1, 1, 1, 1, 0, 1, $5,"
            " CASE WHEN $3 IN ('open', 'combining') THEN NULL ELSE now_ms() END)",
            task_id,
            CLIENT,
            state,
            str(task_id),
            bundle,
        )
        await self.execute(
            "INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes,"
            " input_digest, facts, proof_digest) VALUES ($1, $2, 0, 0, 0, 'ready', 'l', 'small', 1, 1, $3, '{}', $4)",
            uuid4(),
            task_id,
            job_input,
            proof,
        )
        return task_id

    async def tidy(self) -> Tidied:
        tidied = await self.retention.tidy()
        assert tidied is not None
        return tidied

    async def tidy_patiently(self) -> Tidied:
        # The lock is not waited for long; the next pass is an hour later, or here at once.
        while True:
            try:
                return await self.tidy()
            except asyncpg.LockNotAvailableError:
                continue

    async def until_somebody_waits_for_a_lock(self) -> None:
        async with self.database.connection() as connection:
            while not await connection.raw.fetchval(  # noqa: ASYNC110  # the database sets no Event
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'artifacts'::regclass)"
            ):
                await asyncio.sleep(0.01)

    async def tidy_for_days(self, days: int) -> None:
        for _ in range(days):
            await self.tidy()
            await self.days_pass(1)
        await self.tidy()

    def files(self) -> set[str]:
        return {path.name for path in self.root.rglob("*") if path.is_file()}

    async def owned(self) -> set[str]:
        async with self.database.connection() as connection:
            return {row["digest"] for row in await connection.raw.fetch("SELECT digest FROM artifacts")}


@pytest.fixture
def world(database: Database, artifacts: ArtifactStore, tmp_path: Path) -> World:
    return World(database, artifacts, tmp_path)


async def test_an_upload_that_nothing_uses_goes_after_its_time_and_a_grace(world: World) -> None:
    digest = await world.upload("never used")

    await world.days_pass(29)
    await world.tidy()
    assert await world.owned() == {digest}

    await world.days_pass(2)
    first = await world.tidy()
    assert (first.forgotten, first.set_aside, first.deleted) == (1, 1, 0)
    assert await world.owned() == set()
    assert world.files() == {digest}

    await world.days_pass(2)
    assert (await world.tidy()).deleted == 1
    assert world.files() == set()
    with pytest.raises(ArtifactMissing):
        await world.artifacts.size(digest)


async def test_what_programs_the_network_open_tasks_and_bundles_need_stays_for_ever(world: World) -> None:
    srs = await world.upload("srs", "")
    file = await world.program()
    waiting = await world.upload("input of an open task")
    proven = await world.upload("proof of an open task")
    used = await world.upload("input of a finished task")
    proof = await world.upload("proof of a finished task")
    bundle = await world.upload("bundle")
    failed = await world.upload("input of a failed task")
    await world.task("open", waiting, proven)
    await world.task("done", used, proof, bundle)
    await world.task("failed", failed)

    await world.days_pass(400)
    await world.tidy_for_days(3)

    assert world.files() == await world.owned() == {srs, file, waiting, proven, bundle}


async def test_the_proofs_of_a_task_stay_as_long_after_its_end_as_uploads_do(world: World) -> None:
    proof = await world.upload("proof")
    await world.days_pass(100)
    await world.task("done", digest_of(b"gone"), proof)

    await world.days_pass(29)
    assert (await world.tidy()).forgotten == 0

    await world.days_pass(2)
    assert (await world.tidy()).forgotten == 1


async def test_bytes_that_somebody_else_stored_lately_stay_for_them(world: World) -> None:
    digest = await world.upload("shared")
    await world.days_pass(31)
    await world.upload("shared", "0xother")

    assert (await world.tidy()).forgotten == 1
    await world.tidy_for_days(3)

    assert await world.owned() == {digest}
    assert world.files() == {digest}


async def test_an_upload_that_is_sent_again_is_young_again(world: World) -> None:
    digest = await world.upload("again")
    await world.days_pass(31)
    await world.upload("again")

    assert (await world.tidy()).forgotten == 0
    assert await world.owned() == {digest}


async def test_bytes_set_aside_between_storing_and_referring_come_back(world: World) -> None:
    digest = await world.upload("input")
    await world.days_pass(31)
    await world.artifacts.put_bytes(b"input")  # a submit has stored its input ...
    await world.tidy()  # ... which is set aside ...
    await world.task("open", digest)  # ... before the task is written
    assert await world.artifacts.read_bytes(digest, limit_bytes=9) == b"input"  # a prover reads it at once

    await world.tidy_for_days(3)

    assert await world.artifacts.read_bytes(digest, limit_bytes=9) == b"input"
    assert world.files() == {digest, digest_of(b"program file")}


async def test_what_is_needed_again_comes_back_without_a_reader(world: World) -> None:
    digest = await world.upload("input")
    await world.days_pass(31)
    await world.tidy()
    await world.task("open", digest)

    assert (await world.tidy()).brought_back == 1

    assert (world.root / "sha256" / digest[:2] / digest).read_bytes() == b"input"


async def test_a_task_being_written_while_rows_are_forgotten_keeps_its_input(world: World) -> None:
    digest = await world.upload("input")
    await world.program()
    await world.days_pass(31)
    tidying: asyncio.Task[Tidied]
    async with asyncio.TaskGroup() as group, world.database.transaction(Transaction.ADMIT_TASKS) as connection:
        # As submit does: one transaction for the jobs and the artifact's row, which it finds there.
        await connection.run(RECORD_ARTIFACTS, owners=[CLIENT], digests=[digest], sizes=[5])
        tidying = group.create_task(world.tidy_patiently())
        await world.until_somebody_waits_for_a_lock()
        task_id = uuid4()
        await connection.raw.execute(
            "INSERT INTO tasks (task_id, client, program_digest, state, idempotency_key, request_digest,"
            " statement, inputs, limit_price, units, escrow, deadline_ms, jobs_open)"
            " VALUES ($1, $2, 'p', 'open', 'k', '', '{}', 1, 1, 1, 1, 0, 1)",
            task_id,
            CLIENT,
        )
        await connection.raw.execute(
            "INSERT INTO jobs (job_id, task_id, slice, input, position, state, lane, class, units, memory_bytes,"
            " input_digest, facts) VALUES ($1, $2, 0, 0, 0, 'ready', 'l', 'small', 1, 1, $3, '{}')",
            uuid4(),
            task_id,
            digest,
        )

    assert tidying.result().forgotten == 0
    assert digest in await world.owned()


async def test_bytes_in_no_table_go_when_they_are_old_and_stay_while_somebody_may_still_record_them(
    world: World,
) -> None:
    old = await world.artifacts.put_bytes(b"a writer died before it recorded this")
    await world.days_pass(31)
    fresh = await world.artifacts.put_bytes(b"just stored")

    assert (await world.tidy()).strays == 1
    await world.days_pass(2)
    assert (await world.tidy()).deleted == 1

    assert old not in world.files()
    assert fresh in world.files()


async def test_uploads_that_died_under_their_temporary_name_are_removed_after_a_day(world: World) -> None:
    await world.artifacts.put_bytes(b"whole")
    (world.root / "incoming" / "dead").write_bytes(b"half")

    assert (await world.tidy()).abandoned == 0
    await world.days_pass(2)
    assert (await world.tidy()).abandoned == 1
    assert "dead" not in world.files()


async def test_gateways_do_not_tidy_at_the_same_time(world: World) -> None:
    async with world.database.connection() as other:
        assert await other.value(LOCK_RETENTION)
        assert await world.retention.tidy() is None
        await other.run(UNLOCK_RETENTION)

    assert await world.retention.tidy() is not None
