"""The keys under which a gateway locks what it stores: files in the folder `keys/store` of its data directory.

keys/store/<id>.key   one key each, as other key files are: open, or encrypted under PROOFGRID_KEY_PASSWORD
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from pathlib import Path

import structlog

from proofgrid.primitives.at_rest import StoreKey
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import SigningKey
from proofgrid.roles.loop import Loop, every
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings.gateway import GatewaySettings, keys_folder
from proofgrid.store.database import Database
from proofgrid.store.store_keys import LOOK_SECONDS, StoreKeys

STORE_KEYS = "store-keys"  #: what the first one is called where it follows from the root key

log = structlog.get_logger(__name__)


async def open_store_keys(settings: GatewaySettings, data_dir: Path, database: Database) -> StoreKeys:
    """Give the database's vault the keys of a data directory.

    Raises StoreKeyMissing, and InvalidField for bad files.
    """
    folder = store_keys_folder(data_dir)

    def load() -> Iterator[StoreKey]:
        return store_keys_in(folder, settings.key_password, known=database.vault.held)

    keys = StoreKeys(database, load)
    await keys.open()
    return keys


async def open_or_make_store_keys(
    settings: GatewaySettings, data_dir: Path, database: Database, ask: Callable[[], Awaitable[bytes | None]]
) -> StoreKeys:
    """The same of a gateway, which makes the network's first key where it has none.

    `ask` returns what follows from the root key, where that is here: who has it needs no copy of the first key.
    """
    folder = store_keys_folder(data_dir)
    needed = await StoreKeys(database, tuple).needed()
    root = await ask()
    if not needed or (root is not None and StoreKey(_following(root).secret).key_id in needed):
        await asyncio.to_thread(make_first_key, folder, root, settings.key_password)
    return await open_store_keys(settings, data_dir, database)


def store_keys_folder(data_dir: Path) -> Path:
    """Return where the keys lie under which a gateway locks what it stores."""
    return keys_folder(data_dir) / "store"


def store_keys_in(folder: Path, password: str, *, known: Collection[str] = ()) -> Iterator[StoreKey]:
    """Yield the keys in a folder, but for those whose files are named as those that are known.

    Raises InvalidField for a file that is no key, or is encrypted under another password.
    """
    for path in sorted(folder.glob("*.key")):
        if path.stem not in known:  # opening an encrypted one takes a second
            yield StoreKey(read_key(path, password=password or None).secret)


def make_first_key(folder: Path, root: bytes | None, password: str) -> None:
    """Make a key in a folder that has none.

    It follows from what follows from the `root` key, so gateways that are given the same root key make the same.
    """
    private_folder(folder)
    with (folder / ".turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # siblings start together
        if next(folder.glob("*.key"), None) is None:
            key = new_key() if root is None else _following(root)
            write_store_key(folder, key, password)


def _following(root: bytes) -> SigningKey:
    return SigningKey(hashlib.sha256(root).digest())


def store_key_loop(keys: StoreKeys) -> Callable[[], Coroutine[object, object, None]]:
    """Return what keeps a gateway's store keys up to date."""

    async def look() -> None:
        try:
            await keys.look()
        except InvalidField as error:  # a file that is half copied is whole the next time
            log.error("keys_not_read", error=str(error))

    return Loop("store_keys", every(LOOK_SECONDS, look), first=LOOK_SECONDS, retry_seconds=1.0).run


def make_store_key(folder: Path, password: str) -> StoreKey:
    """Make a further key, which follows from nothing."""
    private_folder(folder)
    return write_store_key(folder, new_key(), password)


def write_store_key(folder: Path, key: SigningKey, password: str) -> StoreKey:
    """Write a key's file, named by its id."""
    made = StoreKey(key.secret)
    write_key(key, folder / f"{made.key_id}.key", password=password or None)
    return made
