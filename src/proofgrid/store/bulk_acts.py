"""Acts on many tasks at once: what an idempotency key was used for, and which tasks it found."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.digests import Digest
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class BulkAct:
    """One of them."""

    request_digest: Digest
    matching: int  #: tasks that its filter found, counted so far only
    task_ids: tuple[UUID, ...]  #: that it is about, newest first


GET_BULK_ACT = query("get_bulk_act", BulkAct)
INSERT_BULK_ACT = query("insert_bulk_act", int)
