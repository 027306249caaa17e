"""The audit log for those who read it: entries for administrators, the tree for everybody who wants to follow it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.notes import opened_note
from proofgrid.primitives.pages import Page, page_of, read_cursor
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Role
from proofgrid.rules.audit.checkpoint import audit_key_of, verifier_statement
from proofgrid.rules.audit.merkle import consistency_proof, inclusion_proof
from proofgrid.rules.audit.tiles import ENTRIES, WIDTH, Tile, bundle_of, hashes_of, read_path
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys, Voice
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.store.audit import (
    AUDIT_LEAVES,
    AUDIT_SPELLED,
    LATEST_AUDIT_CHECKPOINT,
    LIST_AUDIT_ENTRIES,
    PlacedEntry,
    StoredCheckpoint,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database

NO_BOUND = 2**62
LEAVES_MAX = WIDTH * WIDTH  #: a gateway reads so many hashes for one tile, no more


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """What the log says of itself now."""

    note: str  #: the signed checkpoint; empty: the log is empty
    verifier: str  #: the key of notes, as C2SP spells it
    statement: str  #: the network's signature under that key
    keys: str = ""  #: the list that names the key of the statement; empty: the root key


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    """An entry, and the proof that it is in the log of the checkpoint."""

    entry: PlacedEntry
    proof: list[bytes]
    head: AuditHead


class AuditLog:
    """Reads; roles/audit writes."""

    def __init__(self, database: Database, keys: NetworkKeys) -> None:
        self._database = database
        self._keys = keys
        self._confirmed: dict[Address, tuple[str, str]] = {}

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def head(self) -> AuditHead:
        """Return the newest checkpoint."""
        async with self._database.connection() as connection:
            latest = await connection.first(LATEST_AUDIT_CHECKPOINT)
        return await self._head(latest)

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def consistency(self, old_size: int) -> tuple[list[bytes], AuditHead]:
        """Show that the log of `old_size` entries is the beginning of today's. Raises InvalidField."""
        async with self._database.snapshot() as connection:
            latest = await self._latest(connection, old_size - 1, field="old_size")
            leaves = await connection.fetch(AUDIT_LEAVES, first=0, beyond=latest.size)
        return await asyncio.to_thread(consistency_proof, leaves, old_size), await self._head(latest)

    @needs(*ANYBODY, scopes=(Scope.NETWORK_READ,))
    async def tile(self, path: str) -> bytes:
        """Return a tile of hashes, by its path in C2SP's tlog-tiles. Raises InvalidField for one that is not there."""
        tile = _tile_of(path)
        if tile.level == ENTRIES:
            raise InvalidField("entries are for administrators", field="path", hint="proofgrid admin audit export DIR")
        if len(tile.entries) > LEAVES_MAX:
            raise InvalidField("tiles of so high a level are made of those below", field="path")
        async with self._database.snapshot() as connection:
            await self._latest(connection, tile.entries.stop - 1, field="path")
            leaves = await connection.fetch(AUDIT_LEAVES, first=tile.entries.start, beyond=tile.entries.stop)
        return await asyncio.to_thread(hashes_of, tile, leaves)

    @needs(Role.ADMIN)
    async def entries_of(self, path: str) -> bytes:
        """Return a tile of entries, by its path. Raises InvalidField for one that is not there."""
        tile = _tile_of(path)
        if tile.level != ENTRIES:
            raise InvalidField("tile/entries/…", field="path")
        async with self._database.snapshot() as connection:
            await self._latest(connection, tile.entries.stop - 1, field="path")
            return bundle_of(await connection.fetch(AUDIT_SPELLED, first=tile.entries.start, beyond=tile.entries.stop))

    @needs(Role.ADMIN)
    async def list_all(
        self,
        *,
        limit: int,
        before: int | None = None,
        by: str = "",
        act: str = "",
        since_ms: int = 0,
        cursor: str = "",
    ) -> Page[PlacedEntry]:
        """Return the newest entries: before a place, of a caller, of a call, since a moment. `limit` 0: the most."""
        limit = min(limit or LIST_MAX, LIST_MAX)
        [behind] = read_cursor(cursor, "audit", (NO_BOUND,))
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_AUDIT_ENTRIES,
                limit=limit + 1,
                before=min(NO_BOUND if before is None else before, int(behind)),
                caller=by,
                act=act,
                since_ms=min(since_ms, NO_BOUND),
            )
        return page_of(rows, limit=limit, of="audit", place=lambda one: (one.position,))

    @needs(Role.ADMIN)
    async def get(self, position: int) -> ShownEntry:
        """Return one entry and the proof that the log has it. Raises InvalidField when there is none."""
        async with self._database.snapshot() as connection:
            latest = await self._latest(connection, position, field="position")
            (spelled,) = await connection.fetch(AUDIT_SPELLED, first=position, beyond=position + 1)
            leaves = await connection.fetch(AUDIT_LEAVES, first=0, beyond=latest.size)
        proof = await asyncio.to_thread(inclusion_proof, leaves, position)
        return ShownEntry(entry=PlacedEntry(position, spelled), proof=proof, head=await self._head(latest))

    async def _latest(self, connection: Connection, position: int, *, field: str) -> StoredCheckpoint:
        latest = await connection.first(LATEST_AUDIT_CHECKPOINT)
        size = 0 if latest is None else latest.size
        if latest is None or not 0 <= position < size:
            raise InvalidField(f"the log has {size} entries", field=field)
        return latest

    async def _head(self, latest: StoredCheckpoint | None) -> AuditHead:
        note = "" if latest is None else latest.note
        # Until the first checkpoint after a rotation the newest one is of the key before.
        for chosen in self._keys.all_for(Purpose.CHECKPOINTS):
            verifier, statement = await self._confirm(chosen)
            if opened_note(note, verifier):
                break
        else:
            chosen = self._keys.voice(Purpose.CHECKPOINTS).signer
            verifier, statement = await self._confirm(chosen)
        beside = Voice(self._keys.network, chosen, self._keys.keys).beside
        return AuditHead(note=note, verifier=verifier, statement=statement, keys="" if beside is None else beside.text)

    async def _confirm(self, signer: Signer) -> tuple[str, str]:
        """Return the verifier of a key's notes, and the key's signature under it."""
        if signer.address not in self._confirmed:
            confirmed = partial(_confirmed, signer, self._keys.network)
            self._confirmed[signer.address] = await in_turn_of(signer, confirmed)
        return self._confirmed[signer.address]


def _confirmed(signer: Signer, network: Address) -> tuple[str, str]:
    verifier = audit_key_of(signer, network).verifier
    return verifier, signer.sign(verifier_statement(network, verifier))


def _tile_of(path: str) -> Tile:
    tile = read_path(path)
    if tile is None:
        raise InvalidField("tile/LEVEL/NUMBER, as in C2SP's tlog-tiles", field="path")
    return tile
