"""Forgets artifacts that nothing refers to, and can change its mind until the last moment.

    row old and not needed --one transaction--> garbage --bytes set aside--> a grace --> deleted
                                                   ^------ needed again, at any time: brought back

No writer has to know about this. Rows: the transaction locks the table that every writer of a reference writes to.
Bytes: a writer stores them first and refers to them a moment later; if they are set aside in between, the reference is
seen before the grace ends, and who reads them meanwhile brings them back. So the grace must be longer than the longest
time from storing to referring, which is minutes; it is a day.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import PASSING_TROUBLE, Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction

DAY_MS = 24 * 3_600_000
LOOK_SECONDS = 3_600.0
FIRST_LOOK_SECONDS = 60.0  #: a gateway that starts has better things to do
BATCH = 200
LOCK_PATIENCE_MS = 200  #: while the table's lock is waited for, writers wait behind it

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """How long what is kept."""

    keep_ms: int  #: uploads, inputs of ended tasks and their proofs; what programs and bundles need is kept for ever
    grace_ms: int = DAY_MS  #: from setting aside to deleting


@dataclass(slots=True)
class Tidied:
    """What one pass did, in artifacts."""

    forgotten: int = 0
    strays: int = 0  #: in the store, but in no table
    brought_back: int = 0
    set_aside: int = 0
    deleted: int = 0
    abandoned: int = 0  #: uploads that died under their temporary name


class Retention:
    """Tidies one network's artifacts. Any number of gateways may run one; one at a time does something."""

    def __init__(self, database: Database, artifacts: ArtifactStore, settings: RetentionSettings) -> None:
        self._database = database
        self._artifacts = artifacts
        self._settings = settings

    async def run(self) -> None:
        """Tidy every hour until cancelled."""
        await asyncio.sleep(FIRST_LOOK_SECONDS)
        while True:
            try:
                await self.tidy()
            except PASSING_TROUBLE as reason:
                log.warning("retention_postponed", reason=str(reason))
            await asyncio.sleep(LOOK_SECONDS)

    async def tidy(self) -> Tidied | None:
        """Do one pass; None when another gateway is at it."""
        async with self._database.connection() as connection:
            if not await connection.fetchval(QUERIES["lock_retention"]):
                return None
            try:
                return await self._tidy()
            finally:
                # When the connection is gone, so is its lock.
                if not connection.raw.is_closed():
                    await connection.execute(QUERIES["unlock_retention"])

    async def _tidy(self) -> Tidied:
        tidied = Tidied()
        async with self._database.connection() as connection:
            now_ms = await connection.fetchval(QUERIES["database_time"])
        keep_after_ms = now_ms - self._settings.keep_ms
        tidied.abandoned = await self._artifacts.remove_abandoned(now_ms)
        tidied.forgotten = await self._forget(keep_after_ms)
        tidied.strays = await self._forget_strays(now_ms, keep_after_ms)
        tidied.brought_back = await self._bring_back(keep_after_ms)
        tidied.set_aside = await self._set_aside()
        tidied.deleted = await self._delete(now_ms - self._settings.grace_ms)
        while await self._write(QUERIES["forget_small_artifacts"], keep_after_ms, BATCH):
            pass
        log.info("artifacts_tidied", **{name: getattr(tidied, name) for name in Tidied.__slots__})
        return tidied

    async def _write(self, query: str, *args: Any) -> list[Any]:
        return await self._database.write(Transaction.TIDY_ARTIFACTS, query, *args)

    async def _forget(self, keep_after_ms: int) -> int:
        forgotten = 0
        # The lock is taken only when there is something to do.
        while await self._anything_old(keep_after_ms):
            async with self._database.transaction(Transaction.TIDY_ARTIFACTS) as connection:
                await connection.execute(f"SET LOCAL lock_timeout = {LOCK_PATIENCE_MS}")
                await connection.execute(QUERIES["lock_artifacts_for_retention"])
                forgotten += await connection.fetchval(QUERIES["forget_artifacts"], keep_after_ms, BATCH)
        return forgotten

    async def _anything_old(self, keep_after_ms: int) -> bool:
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(QUERIES["old_artifacts_exist"], keep_after_ms))

    async def _forget_strays(self, now_ms: int, keep_after_ms: int) -> int:
        strays = 0
        async for digests in self._artifacts.older_than(min(keep_after_ms, now_ms - self._settings.grace_ms)):
            strays += len(await self._write(QUERIES["forget_strays"], digests, keep_after_ms))
        return strays

    async def _bring_back(self, keep_after_ms: int) -> int:
        digests = await self._digests(QUERIES["garbage_needed_again"], keep_after_ms)
        for digest in digests:
            await self._artifacts.bring_back(digest)
            await self._write(QUERIES["garbage_gone"], digest)
        return len(digests)

    async def _set_aside(self) -> int:
        done = 0
        while digests := await self._digests(QUERIES["garbage_to_set_aside"], BATCH):
            for digest in digests:
                await self._artifacts.set_aside(digest)
                await self._write(QUERIES["garbage_is_aside"], digest)
            done += len(digests)
        return done

    async def _delete(self, aside_before_ms: int) -> int:
        done = 0
        while digests := await self._digests(QUERIES["garbage_to_delete"], aside_before_ms, BATCH):
            for digest in digests:
                await self._artifacts.forget_aside(digest)
                await self._write(QUERIES["garbage_gone"], digest)
            done += len(digests)
        return done

    async def _digests(self, query: str, *args: Any) -> list[Digest]:
        async with self._database.connection() as connection:
            return [Digest(row["digest"]) for row in await connection.fetch(query, *args)]
