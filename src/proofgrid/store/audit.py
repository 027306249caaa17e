"""The audit log as it is written down: entries, their places in the Merkle tree, signed checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.rules.audit.entries import DONE, Entry, summary_of
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query
from proofgrid.telemetry.acting import current_act


@dataclass(frozen=True, slots=True)
class WaitingEntry:
    """An entry that has no place yet."""

    entry_id: int
    act: str
    caller: str
    peer: str
    what: Mapping[str, Json]
    outcome: str
    count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """What the log said of itself."""

    size: int
    roots: tuple[bytes, ...]  #: of its full trees, largest first
    note: str


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """An entry with its place."""

    position: int
    spelled: bytes  #: canonical JSON, what is hashed


NOTE_ACTS = query("note_acts", None)
LOCK_AUDIT_LOG = query("lock_audit_log", str)
WAITING_AUDIT_ENTRIES = query("waiting_audit_entries", WaitingEntry)
HAS_WAITING_AUDIT_ENTRIES = query("has_waiting_audit_entries", bool)
PLACE_AUDIT_ENTRIES = query("place_audit_entries", None)
LATEST_AUDIT_CHECKPOINT = query("latest_audit_checkpoint", StoredCheckpoint)
ADD_AUDIT_CHECKPOINT = query("add_audit_checkpoint", None)
LIST_AUDIT_ENTRIES = query("list_audit_entries", PlacedEntry)
AUDIT_SPELLED = query("audit_spelled", bytes)
AUDIT_LEAVES = query("audit_leaves", bytes)


async def note_act(connection: Connection, transaction: str) -> None:
    """Write down who does what, in the transaction that does it. `transaction`: its name, where nobody called."""
    act = current_act()
    if act is None:
        entry = Entry(act=transaction, by="", peer="", what={}, outcome=DONE, count=1, at_ms=0)
    else:
        what = summary_of(act.request, api_key=act.api_key)
        entry = Entry(act=act.call, by=act.by, peer=act.peer, what=what, outcome=DONE, count=1, at_ms=0)
    await note_entries(connection, [entry])


async def note_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write entries down; the database says when."""
    await connection.fetch(
        NOTE_ACTS,
        acts=[one.act for one in entries],
        callers=[one.by for one in entries],
        peers=[one.peer for one in entries],
        whats=[dict(one.what) for one in entries],
        outcomes=[one.outcome for one in entries],
        counts=[one.count for one in entries],
    )
