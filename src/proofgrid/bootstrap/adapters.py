"""The world of a gateway: its database, its artifacts, its SRS, its key and its scratch folder."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.systems.ezkl.circuits.development import make_development_srs_folder
from proofgrid.proofs.systems.ezkl.circuits.srs import srs_files
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings.gateway import DAY_MS, GatewaySettings, network_key_path
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.embedded import start_embedded
from proofgrid.store.migrations import migrate
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore, second_config
from proofgrid.store.queries import QUERIES
from proofgrid.store.retention import Retention, RetentionSettings
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Srs:
    """The reference string that programs are built with."""

    path: Path
    files: Mapping[str, Digest]
    for_development: bool


NO_SRS = Srs(Path(), {}, False)  #: of a gateway that nobody calls


@asynccontextmanager
async def open_database(settings: GatewaySettings, data_dir: Path) -> AsyncIterator[Database]:
    """The database of the settings, migrated; an embedded one is stopped in the end."""
    embedded = None
    dsn = settings.dsn
    if not dsn:
        embedded = await asyncio.to_thread(start_embedded, data_dir / "db")
        dsn = embedded.dsn
    try:
        database = await Database.connect(dsn, size=settings.database_connections)
        try:
            async with database.unhurried_connection() as connection:
                await migrate(connection)
            yield database
        finally:
            await database.close()
    finally:
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)


async def check_network(connection: Any, address: Address) -> None:
    """Refuse a key that is not the one of the database's network: its tokens and rounds would be nobody's."""
    known = await connection.fetchval(QUERIES["network_of_database"], address)
    if known != address:
        raise InvalidField(
            f"the database belongs to network {known}, the key to {address}",
            field="network_key",
            hint="give all gateways of a database the same --network-key",
        )


def network_key_of(settings: GatewaySettings, data_dir: Path) -> SigningKey:
    """Return the network's key, made on the first start unless a file is given."""
    path = settings.network_key or network_key_path(data_dir)
    if settings.network_key is None and not path.exists():
        write_key(new_key(), path)
        log.info("network_key_made", path=str(path))
    return read_key(path)


def open_artifacts(settings: GatewaySettings, data_dir: Path, database: Database) -> ArtifactStore:
    """Return the network's artifact store: one, or two that mend each other."""
    primary = ArtifactStore.open(settings.artifacts or str(data_dir / "artifacts"))
    if not settings.artifacts_mirror:
        return primary
    second = ArtifactStore.open(settings.artifacts_mirror, config=second_config(os.environ))
    return MirroredStore(primary, second, DatabaseRepairList(database))


def tidying(
    settings: GatewaySettings, database: Database, artifacts: ArtifactStore
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    """Return what keeps the store tidy: repairs of the second copy, retention."""
    work = [artifacts.run] if isinstance(artifacts, MirroredStore) else []
    if settings.retention_days:
        keep = RetentionSettings(keep_ms=settings.retention_days * DAY_MS)
        work.append(Retention(database, artifacts, keep).run)
    return work


async def open_srs(
    settings: GatewaySettings, data_dir: Path, workers: ProofWorkers, artifacts: ArtifactStore, database: Database
) -> Srs:
    """The network's SRS: that of a real ceremony, or one made here for development; stored for provers and clients."""
    path = settings.srs_file
    if path is None:
        path = data_dir / "development-srs"
        log.warning("development_srs", logrows=settings.srs_logrows)
        await workers.call(make_development_srs_folder, path, settings.srs_logrows, timeout_seconds=3_600)
    elif not path.exists():
        raise InvalidField(f"there is no file or folder {path}", field="srs_file")
    files = {}
    for logrows, file in sorted((await asyncio.to_thread(srs_files, path)).items()):
        digest, size_bytes = await artifacts.put_file(file)
        files[f"kzg{logrows}.srs"] = digest
        await database.write(Transaction.RECORD_ARTIFACT, QUERIES["record_artifacts"], [""], [digest], [size_bytes])
    return Srs(path, files, settings.srs_file is None)


def fresh_scratch(path: Path) -> Path:
    """Return an empty folder of this process below `path`."""
    # What a killed gateway left behind is nobody's; another gateway has its own folder beside it.
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        if old.name.isdigit() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = path / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return mine
