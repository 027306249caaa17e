"""`proofgrid admin store-keys`: the keys under which the network's stores are locked, worked on where its data lies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.admin.storage import DsnOption, dsn_of
from proofgrid.cli.kit.console import date_text, print_json, print_table, say
from proofgrid.cli.kit.options import DataDirOption, JsonOption
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.private_files import keep_files_private
from proofgrid.settings.declared import load_settings
from proofgrid.settings.gateway import GatewaySettings

if TYPE_CHECKING:
    from proofgrid.store.database import Database
    from proofgrid.store.store_keys import KnownStoreKey

group = typer.Typer(
    name="store-keys",
    help="The keys under which artifacts, inputs in rows and backups are locked; files of every gateway.",
    no_args_is_help=True,
)


@group.command("list")
def list_keys(data_dir: DataDirOption = None, dsn: DsnOption = None, json: JsonOption = False) -> None:
    """List the store keys, the newest first: how many gateways have each, and whether it locks or is only read by.

    \b
    Example:
      proofgrid admin store-keys list
    """
    keys = run_async(_known(load_settings(GatewaySettings, data_dir=data_dir, dsn=dsn)))
    if json:
        print_json([asdict(key) for key in keys])
        return
    print_table(
        ("key", "state", "gateways", "known since", "locks since", "all is under it since"),
        [
            (
                key.key_id,
                _state(key),
                f"{key.at} of {key.gateways}",
                *(date_text(at_ms or 0) for at_ms in (key.made_ms, key.since_ms, key.swept_ms)),
            )
            for key in keys
        ],
        empty="no gateway of this network has a store key: what is stored lies open",
    )


@group.command("new")
def new_key(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Make a store key in the folder `keys/store` of the data directory; it is encrypted where a password is set.

    Copy its file into that folder of every other gateway. Once the last one has it, all lock with it, within half a
    minute and without a restart, and bring what was stored before under it.

    \b
    Example:
      proofgrid admin store-keys new
    """
    from proofgrid.bootstrap.gateway.store_keys import make_store_key, store_keys_folder

    keep_files_private()
    settings = load_settings(GatewaySettings, data_dir=data_dir)
    folder = store_keys_folder(settings.directory())
    made = make_store_key(folder, settings.key_password)
    path = folder / f"{made.key_id}.key"
    if json:
        print_json({"key_id": made.key_id, "path": str(path)})
    else:
        say(f"the key lies in {path}; copy it to every other gateway, and to where your backups are not")


@group.command("retire")
def retire(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `list` shows it.")],
    lost: Annotated[
        bool, typer.Option("--lost", help="Its file is nowhere any more: what is locked under it is given up.")
    ] = False,
    data_dir: DataDirOption = None,
    dsn: DsnOption = None,
    json: JsonOption = False,
) -> None:
    """Let gateways start without a store key: nothing is locked under it any more, or it is lost. Files stay.

    \b
    Example:
      proofgrid admin store-keys retire 0123456789abcdef
    """
    if not run_async(_retired(load_settings(GatewaySettings, data_dir=data_dir, dsn=dsn), key_id, lost=lost)):
        raise InvalidField(
            "there is no such key, or something may still be locked under it",
            field="key",
            hint="wait until `list` says of a newer one since when all is under it",
        )
    if json:
        print_json({"key_id": key_id, "retired": True})
    else:
        say(f"{key_id} is not needed any more", style="green")


def _state(key: KnownStoreKey) -> str:
    if key.retired_ms is not None:
        return "retired"
    return "not at all gateways yet" if key.since_ms is None else "in use"


async def _known(settings: GatewaySettings) -> list[KnownStoreKey]:
    from proofgrid.store.lanes import GATEWAY_SILENT_MS
    from proofgrid.store.store_keys import EVERY_STORE_KEY

    async with _database(settings) as database, database.connection() as connection:
        return await connection.fetch(EVERY_STORE_KEY, gateway_silent_ms=GATEWAY_SILENT_MS)


async def _retired(settings: GatewaySettings, key_id: str, *, lost: bool) -> bool:
    from proofgrid.store.store_keys import RETIRE_STORE_KEY
    from proofgrid.store.transactions import Transaction

    async with _database(settings) as database:
        return bool(await database.write(Transaction.TIDY_ARTIFACTS, RETIRE_STORE_KEY, key_id=key_id, lost=lost))


@asynccontextmanager
async def _database(settings: GatewaySettings) -> AsyncIterator[Database]:
    from proofgrid.store.database import Database

    async with dsn_of(settings) as dsn:
        database = await Database.connect(dsn, size=1)
        try:
            yield database
        finally:
            await database.close()
