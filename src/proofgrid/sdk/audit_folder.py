"""The audit log as a folder of files that anybody can check: C2SP's tlog-tiles.

checkpoint   the signed note
key.json     network, verifier of the note, the network's signature that it counts, and which of its keys made that
tile/…       hashes and entries
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.reading import read_json, read_object, read_text
from proofgrid.rules.audit.checkpoint import Checkpoint, RewrittenLog, verified_checkpoint
from proofgrid.rules.audit.merkle import leaf_hash, root_of
from proofgrid.rules.audit.tiles import ENTRIES, WIDTH, Tile, hashes_of, read_bundle, tiles_of
from proofgrid.rules.identity.key_list import SignedKeyList, newer, signed_list_of
from proofgrid.sdk.audit import Audit

OnTile = Callable[[int, int], None]  #: (tiles so far, in all)
_FILE_BYTES_MAX = 32 << 20
_KEY_MEMBERS = ("network", "verifier", "statement")


async def export_audit_log(
    audit: Audit, folder: Path, network: Address, *, on_tile: OnTile = lambda done, total: None
) -> Checkpoint:
    """Write the whole log into a folder; return its checkpoint. Tiles that are there and full are kept.

    Raises InvalidField while the log is empty, RewrittenLog if what is in the folder is not its beginning.
    """
    head = await audit.head(network)
    if head is None:
        raise InvalidField("the log is empty", field="network")
    if (folder / "checkpoint").exists():
        await audit.check_grown(verify_folder(folder, network), network)
    tiles = list(tiles_of(head.checkpoint.size))
    for done, tile in enumerate(tiles):
        place = folder / tile.path
        if not place.exists():
            content = await (audit.entry_tile if tile.level == ENTRIES else audit.tile)(tile.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        on_tile(done + 1, len(tiles))
    about: dict[str, object] = {"network": network, "verifier": head.verifier, "statement": head.statement}
    if head.keys is not None:
        about["keys"] = head.keys.to_json()
    (folder / "key.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (folder / "checkpoint").write_text(head.note, encoding="utf-8")
    return verify_folder(folder, network)


def verify_folder(folder: Path, network: Address, known: SignedKeyList | None = None) -> Checkpoint:
    """Check every file of an exported log, offline; return its checkpoint.

    `known`: the newest list of the network's keys that the caller has.
    Raises RewrittenLog with the file that does not fit, InvalidField for a folder that holds no log.
    """
    try:
        about = read_object(
            read_json(_read(folder / "key.json"), field="key.json"), _KEY_MEMBERS, "key.json", optional=("keys",)
        )
        named, verifier, statement = [read_text(about[member], f"key.json.{member}") for member in _KEY_MEMBERS]
        note = _read(folder / "checkpoint").decode()
        keys = signed_list_of(about["keys"]) if "keys" in about else None
    except (InvalidField, UnicodeDecodeError) as reason:
        raise InvalidField(f"no exported audit log: {reason}", field="folder") from reason
    if named != network:
        raise RewrittenLog(f"it is the log of {named}, and not confirmed by the network {network}", field="key.json")
    checkpoint = verified_checkpoint(note, verifier, statement, network, newer(keys, known))
    leaves = _leaves(folder, checkpoint)
    for tile in tiles_of(checkpoint.size):
        if tile.level != ENTRIES:
            hashed = hashes_of(tile, leaves[tile.entries.start : tile.entries.stop])
            if _read(folder / tile.path) != hashed:
                raise RewrittenLog("its hashes are not those of the entries", field=tile.path)
    if root_of(leaves) != checkpoint.root:
        raise RewrittenLog("the entries are not those of the checkpoint", field="checkpoint")
    return checkpoint


def check_beginning(folder: Path, checkpoint: Checkpoint) -> None:
    """Raise RewrittenLog unless a verified folder's log began as an older checkpoint says."""
    if root_of(_leaves(folder, checkpoint)) != checkpoint.root:
        raise RewrittenLog(f"the first {checkpoint.size} entries are not those that there were", field="checkpoint")


def _leaves(folder: Path, checkpoint: Checkpoint) -> list[bytes]:
    leaves: list[bytes] = []
    for tile in tiles_of(checkpoint.size):
        if tile.level == ENTRIES:
            leaves += _entries_of(folder, tile)
    return leaves


def _entries_of(folder: Path, tile: Tile) -> list[bytes]:
    """The leaf hashes of a tile of entries; what is partly filled in an older log is full in a newer one."""
    place = folder / tile.path
    if not place.exists():
        place = next(iter(sorted(_other_widths(folder, tile), reverse=True)), place)
    entries = read_bundle(_read(place))
    if entries is None or len(entries) < tile.width:
        raise RewrittenLog("it is cut", field=tile.path)
    return [leaf_hash(entry) for entry in entries[: tile.width]]


def _other_widths(folder: Path, tile: Tile) -> list[Path]:
    full = Tile(tile.level, tile.number, WIDTH)
    wider = [Tile(tile.level, tile.number, width) for width in range(tile.width + 1, WIDTH)]
    return [folder / one.path for one in (full, *wider) if (folder / one.path).exists()]


def _read(place: Path) -> bytes:
    try:
        if place.stat().st_size > _FILE_BYTES_MAX:
            raise RewrittenLog("it is too large", field=str(place.name))
        return place.read_bytes()
    except OSError as reason:
        raise RewrittenLog(f"it cannot be read: {reason.strerror}", field=str(place)) from reason
