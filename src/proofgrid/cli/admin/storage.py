"""`proofgrid admin backup | restore | gc`: the network's memory, worked on where its data lies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.options import DataDirOption, JsonOption
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.private_files import keep_files_private
from proofgrid.settings.declared import load_settings
from proofgrid.settings.gateway import GatewaySettings

if TYPE_CHECKING:
    from proofgrid.store.artifacts import ArtifactStore
    from proofgrid.store.database import Database

DsnOption = Annotated[
    str | None, typer.Option("--dsn", help="PostgreSQL. [PROOFGRID_DSN; default: the embedded one in --data-dir]")
]
ArtifactsOption = Annotated[
    str | None, typer.Option("--artifacts", help="The artifact store. [PROOFGRID_ARTIFACTS; default: in --data-dir]")
]


def add_to(group: typer.Typer) -> None:
    for name, command in (("backup", backup), ("restore", restore), ("gc", gc)):
        group.command(name)(command)


def backup(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the backup, new or of an older one.")],
    data_dir: DataDirOption = None,
    dsn: DsnOption = None,
    artifacts: ArtifactsOption = None,
    json: JsonOption = False,
) -> None:
    """Back up database and artifacts while the network runs. Its keys are not part of it: keep them elsewhere.

    \b
    Example:
      proofgrid admin backup --out /backups/proofgrid
    """
    keep_files_private()
    made = run_async(_back_up(_settings(data_dir, dsn, artifacts), out))
    if json:
        print_json(made)
        return
    say(f"backed up to {out}: the database and {made['artifacts']} artifacts", style="green")
    if made["missing"]:
        complain(f"WARNING: the store lacks {made['missing']} artifacts that the database knows", style="bold red")
    say("Not part of it: network.key and the folder keys, which opens what is stored. Keep copies in a safe place.")


def restore(
    source: Annotated[Path, typer.Option("--from", metavar="DIR", help="Folder of the backup.")],
    data_dir: DataDirOption = None,
    dsn: DsnOption = None,
    artifacts: ArtifactsOption = None,
    json: JsonOption = False,
) -> None:
    """Load a backup into a new data directory, or an empty database, before any gateway runs on it.

    The folder keys/store of the old data directory has to be in the new one: it opens what is stored.

    \b
    Example:
      proofgrid admin restore --from /backups/proofgrid --data-dir new-data
    """
    keep_files_private()
    restored = run_async(_restore(_settings(data_dir, dsn, artifacts), source))
    if json:
        print_json(restored)
    else:
        say(f"restored the database and {restored['copied']} artifacts", style="green")
        say("Put network.key into the data directory, if it is not there, before the first gateway starts.")


def gc(
    data_dir: DataDirOption = None, dsn: DsnOption = None, artifacts: ArtifactsOption = None, json: JsonOption = False
) -> None:
    """Tidy the artifacts now, as gateways do every hour: forget what nothing needs, delete what was forgotten long ago.

    \b
    Example:
      proofgrid admin gc
    """
    keep_files_private()
    tidied = run_async(_tidy(_settings(data_dir, dsn, artifacts)))
    if json:
        print_json(tidied)
    elif tidied is None:
        say("a gateway is tidying at this moment")
    else:
        say(", ".join(f"{name.replace('_', ' ')}: {number}" for name, number in tidied.items()))


def _settings(data_dir: Path | None, dsn: str | None, artifacts: str | None) -> GatewaySettings:
    return load_settings(GatewaySettings, data_dir=data_dir, dsn=dsn, artifacts=artifacts)


async def _back_up(settings: GatewaySettings, out: Path) -> dict[str, object]:
    from proofgrid.store.backup import back_up

    async with _storage(settings) as (database, artifacts):
        return asdict(await back_up(database, artifacts, out))


async def _restore(settings: GatewaySettings, source: Path) -> dict[str, object]:
    from proofgrid.store.backup import read_backup, restore, restore_artifacts

    await asyncio.to_thread(read_backup, source)  # a wrong folder is found before a server is made for it
    async with dsn_of(settings) as dsn:
        made = await restore(dsn, source)
    async with _storage(settings) as (_, artifacts):
        copied = await restore_artifacts(source, artifacts)
    return {**asdict(made), "copied": copied}


async def _tidy(settings: GatewaySettings) -> dict[str, int] | None:
    from proofgrid.primitives.errors import InvalidField
    from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings

    if not settings.retention_days:
        raise InvalidField("everything is kept for ever here", field="retention_days", hint="set it to 1 or more")
    async with _storage(settings) as (database, artifacts):
        keep_ms = settings.retention_days * DAY_MS
        tidied = await Retention(database, artifacts, RetentionSettings(keep_ms=keep_ms)).tidy()
    return None if tidied is None else asdict(tidied)


@asynccontextmanager
async def _storage(settings: GatewaySettings) -> AsyncIterator[tuple[Database, ArtifactStore]]:
    from proofgrid.bootstrap.gateway.adapters import open_artifacts
    from proofgrid.bootstrap.gateway.store_keys import open_store_keys
    from proofgrid.store.database import Database

    async with dsn_of(settings) as dsn:
        database = await Database.connect(dsn, size=3)
        data_dir = settings.data_dir.expanduser().resolve()
        try:
            await open_store_keys(settings, data_dir, database)
            yield database, open_artifacts(settings, data_dir, database)
        finally:
            await database.close()


@asynccontextmanager
async def dsn_of(settings: GatewaySettings) -> AsyncIterator[str]:
    """Where the settings' database is, started where it is embedded and nobody runs it."""
    if settings.dsn:
        yield settings.dsn
        return
    from proofgrid.store.embedded import start_embedded

    # Beside a running gateway this finds its server, and leaves it running.
    embedded = await asyncio.to_thread(start_embedded, settings.data_dir.expanduser().resolve() / "db")
    try:
        yield embedded.dsn
    finally:
        await asyncio.to_thread(embedded.stop)
