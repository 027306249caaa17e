"""Brings the key that locks now to what was stored before: what lay open, and what older keys locked.

All gateways may do it at once: each writes what says the same under the same name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import obstore
import structlog

from proofgrid.primitives.at_rest import CHUNK_BYTES, JOB_INPUT, key_id_of
from proofgrid.primitives.errors import ArtifactMissing
from proofgrid.primitives.sealing_errors import SealBroken
from proofgrid.primitives.turns import Urgency
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.mirror import MirroredStore
from proofgrid.store.queries import query
from proofgrid.store.spool import Opening, failures_named
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 60.0
KNOWN_MS = 12 * GATEWAY_SILENT_MS  #: after so long all gateways lock with the key that was chosen
ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class InputInRow:
    """A job's input as its row holds it."""

    job_id: UUID
    small_input: bytes


SWEEP_IS_DUE = query("sweep_is_due", bool)
STORE_IS_SWEPT = query("store_is_swept", None)
INPUTS_IN_ROWS = query("inputs_in_rows", InputInRow)
LOCK_INPUTS_AGAIN = query("lock_inputs_again", UUID)

log = structlog.get_logger(__name__)


class Sweep:
    """`sweep` it now and then."""

    def __init__(self, database: Database, artifacts: ArtifactStore, *, known_ms: int = KNOWN_MS) -> None:
        self._database = database
        self._vault = database.vault
        self._known_ms = known_ms
        self._stores = [artifacts, artifacts.second] if isinstance(artifacts, MirroredStore) else [artifacts]

    async def sweep(self) -> int:
        """Do what there is to do; return how many things were locked again."""
        key_id = self._vault.writes
        if key_id is None or not await self._is_due(key_id):
            return 0
        swept, left = await self._sweep_rows(key_id)
        for store in self._stores:
            async for path in _paths_not_under(store, key_id):
                swept += await _lock_again(store, path)
        if not left and self._vault.writes == key_id:
            await self._database.write(Transaction.TIDY_ARTIFACTS, STORE_IS_SWEPT, key_id=key_id)
        log.info("store_swept", key_id=key_id, swept=swept, left=left)
        return swept

    async def _is_due(self, key_id: str) -> bool:
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            return await connection.value(SWEEP_IS_DUE, key_id=key_id, known_ms=self._known_ms)

    async def _sweep_rows(self, key_id: str) -> tuple[int, int]:
        """Return how many inputs in rows were locked again, and how many others had in hand."""
        swept = left = 0
        after = UUID(int=0)
        while True:
            async with self._database.connection(Urgency.BACKGROUND) as connection:
                rows = await connection.fetch(INPUTS_IN_ROWS, after=after, limit=ROWS_AT_ONCE)
            if not rows:
                return swept, left
            after = rows[-1].job_id
            due = {row.job_id: row.small_input for row in rows if key_id_of(row.small_input) != key_id}
            fresh = {job_id: again for job_id, stored in due.items() if (again := self._again(stored)) is not None}
            if fresh:
                done = await self._database.write(
                    Transaction.TIDY_ARTIFACTS,
                    LOCK_INPUTS_AGAIN,
                    job_ids=list(fresh),
                    before=[due[job_id] for job_id in fresh],
                    fresh=list(fresh.values()),
                )
                swept += len(done)
                left += len(fresh) - len(done)

    def _again(self, stored: bytes) -> bytes | None:
        with suppress(SealBroken):  # a row that was changed stays what it is: no key opens it
            return self._vault.locked(JOB_INPUT, self._vault.opened(JOB_INPUT, stored))
        return None


async def _paths_not_under(store: ArtifactStore, key_id: str) -> AsyncIterator[str]:
    """Yield where artifacts lie that this key did not lock."""
    for place in ("sha256", "aside"):
        with failures_named():
            async for batch in obstore.list(store._store, prefix=place):
                for meta in batch:
                    with suppress(FileNotFoundError):
                        if await store._key_id(meta["path"], int(meta["size"])) != key_id:
                            yield meta["path"]


async def _lock_again(store: ArtifactStore, path: str) -> bool:
    """Write an artifact where it lies; return False for one that is gone, or corrupt: its next reader finds that."""
    opening = Opening(store.vault)
    try:
        with store._spool() as spool, failures_named():
            found = await obstore.get_async(store._store, path)
            async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
                for part in await asyncio.to_thread(opening.take, bytes(piece)):
                    await asyncio.to_thread(spool.write, part)
            for part in await asyncio.to_thread(opening.end):
                await asyncio.to_thread(spool.write, part)
            await asyncio.to_thread(spool.finish)
            if opening.digest != path.rpartition("/")[2]:
                return False
            await store._write(path, spool)
    except (ArtifactMissing, SealBroken):
        return False
    return True
