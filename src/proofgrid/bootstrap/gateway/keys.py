"""The keys that a gateway speaks for its network with: the root key, or a folder of online keys and the list of them.

network.key          the root key; made on the first start, taken away once online keys are there
keys/<address>.key   online keys
keys/list.json       the newest list that this gateway has seen: which network it is, where the root key is elsewhere
"""

from __future__ import annotations

import os
from pathlib import Path

import structlog

from proofgrid.bootstrap.signing.signers import Asked, KeysToOpen, open_keys
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import private_folder
from proofgrid.rules.identity.key_list import SignedKeyList, read_signed_list
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.settings.gateway import GatewaySettings, keys_folder, network_key_path
from proofgrid.store.database import Database
from proofgrid.store.keys import LATEST_KEY_LIST

LIST = "list.json"

log = structlog.get_logger(__name__)


def network_keys_of(settings: GatewaySettings, data_dir: Path, process: Asked) -> NetworkKeys:
    """Let a signing process read the keys of a data directory; on its first start a root key is made, unless a file is
    given. Waits.

    Raises InvalidField for files that cannot be read, or that are of two networks.
    """
    folder = private_folder(keys_folder(data_dir))  # it must be there before the process shuts itself in
    kept = kept_list(folder)
    path = settings.network_key or network_key_path(data_dir)
    makes = settings.network_key is None and not path.exists() and kept is None
    has_root = kept is None or path.exists()
    held = open_keys(
        process,
        KeysToOpen(
            key=path if has_root else None,
            make=path if makes else None,
            folder=folder,
            network=None if kept is None else kept.list.network,
            password=settings.key_password,
        ),
    )
    if makes:
        log.info("network_key_made", path=str(path))
    network = held[0].address if kept is None else kept.list.network
    if has_root and held[0].address != network:
        raise InvalidField(
            f"{path} is {held[0].address}, the list of keys is of network {network}",
            field="network_key",
            hint="the root key's file, or none",
        )
    return NetworkKeys(network, held, kept)


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
