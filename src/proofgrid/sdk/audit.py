"""The audit log: follow it without knowing what is in it, or read it as an administrator.

head = await client.admin.audit.head(network)              # a checkpoint that the network signed
await client.admin.audit.check_grown(old, network)         # raises RewrittenLog if the past was rewritten
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import Page
from proofgrid.rules.audit.checkpoint import Checkpoint, RewrittenLog, verified_checkpoint
from proofgrid.rules.audit.merkle import is_consistent, leaf_hash, root_by_inclusion
from proofgrid.rules.identity.key_list import SignedKeyList, read_signed_list
from proofgrid.sdk.answers.reading import parsed
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import audit_pb2 as messages


@dataclass(frozen=True, slots=True)
class AuditHead:
    """What the log says of itself, checked: the network's key stands behind it."""

    checkpoint: Checkpoint
    note: str
    verifier: str
    statement: str
    keys: SignedKeyList | None = None  #: that names the key of the statement; None: the root key


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what. `fields`: act, at_ms, by, count, outcome, peer, what."""

    position: int
    fields: Mapping[str, Any]


class Audit:
    """For administrators, but for `head`, `check_grown` and `tile`, which every key of the network may ask."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def head(self, network: Address) -> AuditHead | None:
        """Return the newest checkpoint, None while the log is empty. Raises RewrittenLog for one of another key."""
        request = messages.GetAuditHeadRequest()
        answer = await self._connection.ask(lambda services: services.audit.GetAuditHead, request)
        return _head(answer, network) if answer.note else None

    async def check_grown(self, old: Checkpoint, network: Address) -> AuditHead:
        """Return the newest checkpoint if the old one is its beginning; raise RewrittenLog if not."""
        request = messages.GetAuditConsistencyRequest(old_size=old.size)
        answer = await self._connection.ask(lambda services: services.audit.GetAuditConsistency, request)
        head = _head(answer.head, network)
        now = head.checkpoint
        if not is_consistent(old.size, old.root, now.size, now.root, answer.proof):
            raise RewrittenLog(f"the first {old.size} entries are not those that there were", field="proof")
        return head

    async def tile(self, path: str) -> bytes:
        """Return a tile of hashes (C2SP tlog-tiles)."""
        request = messages.GetAuditTileRequest(path=path)
        answer = await self._connection.ask(lambda services: services.audit.GetAuditTile, request)
        return answer.content

    async def entry_tile(self, path: str) -> bytes:
        """Return a tile of entries."""
        request = messages.GetAuditTileRequest(path=path)
        answer = await self._connection.ask(lambda services: services.audit.GetAuditEntryTile, request)
        return answer.content

    async def entries(
        self,
        *,
        limit: int = 100,
        before: int | None = None,
        by: str = "",
        act: str = "",
        since_ms: int = 0,
        cursor: str = "",
    ) -> Page[AuditEntry]:
        """Return entries, newest first: below a place, of a caller, of a call, since a moment."""
        request = messages.ListAuditEntriesRequest(
            limit=limit, before=before, by=by, act=act, since_ms=since_ms, cursor=cursor
        )
        answer = await self._connection.ask(lambda services: services.audit.ListAuditEntries, request)
        return Page([_entry(one) for one in answer.entries], answer.next_cursor)

    async def entry(self, position: int, network: Address) -> tuple[AuditEntry, AuditHead]:
        """Return one entry that the log has, as its checkpoint proves. Raises RewrittenLog if it does not."""
        request = messages.GetAuditEntryRequest(position=position)
        answer = await self._connection.ask(lambda services: services.audit.GetAuditEntry, request)
        head = _head(answer.head, network)
        size, root = head.checkpoint.size, head.checkpoint.root
        if root_by_inclusion(leaf_hash(answer.entry.spelled), position, size, answer.proof) != root:
            raise RewrittenLog(f"the checkpoint does not hold this entry {position}", field="proof")
        return _entry(answer.entry), head


def _head(answer: messages.AuditHead, network: Address) -> AuditHead:
    try:
        keys = read_signed_list(answer.keys) if answer.keys else None
    except InvalidField as error:
        raise RewrittenLog(f"the list of keys behind it: {error.detail}", field="keys") from None
    checkpoint = verified_checkpoint(answer.note, answer.verifier, answer.statement, network, keys)
    return AuditHead(checkpoint, answer.note, answer.verifier, answer.statement, keys)


def _entry(answer: messages.AuditEntry) -> AuditEntry:
    return AuditEntry(answer.position, parsed(answer.spelled))
