"""The keys that a gateway speaks for its network with: the root key, or a folder of online keys and the list of them.

network.key          the root key; made on the first start, taken away once online keys are there
keys/<address>.key   online keys
keys/list.json       the newest list that this gateway has seen: which network it is, where the root key is elsewhere
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.identity.key_list import SignedKeyList, read_signed_list
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.sdk.keys import new_key, read_signer, write_key
from proofgrid.settings.gateway import GatewaySettings, keys_folder, network_key_path
from proofgrid.store.database import Database
from proofgrid.store.keys import LATEST_KEY_LIST

LIST = "list.json"

log = structlog.get_logger(__name__)


def network_keys_of(settings: GatewaySettings, data_dir: Path) -> NetworkKeys:
    """Return the keys of a data directory; on its first start a root key is made, unless a file is given.

    Raises InvalidField for files that cannot be read, or that are of two networks.
    """
    folder = keys_folder(data_dir)
    kept = kept_list(folder)
    path = settings.network_key or network_key_path(data_dir)
    if settings.network_key is None and not path.exists() and kept is None:
        write_key(new_key(), path, password=settings.key_password or None)
        log.info("network_key_made", path=str(path))
    held: list[Signer] = []
    if kept is None or path.exists():
        held.append(_root_of(path, kept, settings.key_password))
    network = held[0].address if kept is None else kept.list.network
    return NetworkKeys(network, [*held, *online_keys(folder, settings.key_password)], kept)


def online_keys(folder: Path, password: str, *, known: Collection[str] = ()) -> Iterator[Signer]:
    """Yield the keys in a folder, but for those whose files are named as those that are known.

    `password`: of those that are encrypted, and the PIN of those in a module. Raises InvalidField for a file that is no
    key.
    """
    for path in sorted(folder.glob("*.key")):
        if path.stem not in known:  # opening an encrypted one takes a second
            yield read_signer(path, password=password or None)


def kept_list(folder: Path) -> SignedKeyList | None:
    """Return the list that lies in a folder, if there is one. Raises InvalidField for a broken one."""
    try:
        content = (folder / LIST).read_bytes()
    except FileNotFoundError:
        return None
    return read_signed_list(content, field=str(folder / LIST))


def keep_list(folder: Path, keys: SignedKeyList) -> None:
    """Write the newest list into a folder, whole or not at all."""
    private_folder(folder)
    part = folder / f".{LIST}.{os.getpid()}"
    part.write_text(keys.text)
    part.replace(folder / LIST)


async def read_key_list(keys: NetworkKeys, database: Database) -> None:
    """Go by the database's newest list, if it is newer than what is here. Raises InvalidField for a forged one."""
    async with database.connection() as connection:
        stored = await connection.first(LATEST_KEY_LIST)
    if stored is not None:
        keys.hear(read_signed_list(stored, field="key_lists"))


def _root_of(path: Path, kept: SignedKeyList | None, password: str) -> Signer:
    root = read_signer(path, password=password or None)
    if kept is not None and kept.list.network != root.address:
        raise InvalidField(
            f"{path} is {root.address}, the list of keys is of network {kept.list.network}",
            field="network_key",
            hint="the root key's file, or none",
        )
    return root
