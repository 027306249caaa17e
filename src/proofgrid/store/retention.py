"""Forgets artifacts that nothing refers to, and can change its mind until the last moment.

    row old and not needed --one transaction--> garbage --bytes set aside--> a grace --> deleted
                                                   ^------ needed again, at any time: brought back

No writer has to know about this. Rows: the transaction locks the table that every writer of a reference writes to.
Bytes: a writer stores them first and refers to them a moment later; if they are set aside in between, the reference is
seen before the grace ends, and who reads them meanwhile brings them back. So the grace must be longer than the longest
time from storing to referring, which is minutes; it is a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.turns import Urgency
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.queries import Query, query
from proofgrid.store.transactions import Transaction

DAY_MS = 24 * 3_600_000
LOOK_SECONDS = 3_600.0
FIRST_LOOK_SECONDS = 60.0  #: a gateway that starts has better things to do
LATE_MS = 3_600_000  #: for so long an upload outlives its lease, at least
BATCH = 200
LOCK_PATIENCE_MS = 200  #: while the table's lock is waited for, writers wait behind it

LOCK_RETENTION = query("lock_retention", bool)
UNLOCK_RETENTION = query("unlock_retention", bool)
WAIT_FOR_LOCKS = query("wait_for_locks", None)
LOCK_ARTIFACTS_FOR_RETENTION = query("lock_artifacts_for_retention", None)
OLD_ARTIFACTS_EXIST = query("old_artifacts_exist", bool)
RELEASE_LEFT_UPLOADS = query("release_left_uploads", None)
FORGET_RESERVATIONS = query("forget_reservations", None)
FORGET_ARTIFACTS = query("forget_artifacts", int)
FORGET_SMALL_ARTIFACTS = query("forget_small_artifacts", UUID)
FORGET_STRAYS = query("forget_strays", Digest)
GARBAGE_NEEDED_AGAIN = query("garbage_needed_again", Digest)
GARBAGE_TO_SET_ASIDE = query("garbage_to_set_aside", Digest)
GARBAGE_IS_ASIDE = query("garbage_is_aside", None)
GARBAGE_TO_DELETE = query("garbage_to_delete", Digest)
GARBAGE_GONE = query("garbage_gone", None)

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

    async def tidy(self) -> Tidied | None:
        """Do one pass; None when another gateway is at it."""
        # Whoever holds a connection for as long as a pass takes, and asks for more, needs one of its own.
        async with self._database.unhurried_connection() as raw:
            connection = Connection(raw)
            if not await connection.value(LOCK_RETENTION):
                return None
            try:
                return await self._tidy()
            finally:
                # When the connection is gone, so is its lock.
                if not connection.is_closed():
                    await connection.run(UNLOCK_RETENTION)

    async def _tidy(self) -> Tidied:
        tidied = Tidied()
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            now_ms = await connection.value(DATABASE_TIME)
        keep_after_ms = now_ms - self._settings.keep_ms
        tidied.abandoned = await self._artifacts.remove_abandoned(now_ms)
        await self._database.write(Transaction.TIDY_ARTIFACTS, FORGET_RESERVATIONS)
        await self._database.write(Transaction.TIDY_ARTIFACTS, RELEASE_LEFT_UPLOADS, before_ms=now_ms - LATE_MS)
        tidied.forgotten = await self._forget(keep_after_ms)
        tidied.strays = await self._forget_strays(now_ms, keep_after_ms)
        tidied.brought_back = await self._bring_back(keep_after_ms)
        tidied.set_aside = await self._set_aside()
        tidied.deleted = await self._delete(now_ms - self._settings.grace_ms)
        while await self._database.write(
            Transaction.TIDY_ARTIFACTS, FORGET_SMALL_ARTIFACTS, keep_after_ms=keep_after_ms, tasks=BATCH
        ):
            pass
        log.info("artifacts_tidied", **{name: getattr(tidied, name) for name in Tidied.__slots__})
        return tidied

    async def _forget(self, keep_after_ms: int) -> int:
        forgotten = 0
        # The lock is taken only when there is something to do.
        while await self._anything_old(keep_after_ms):
            async with self._database.transaction(Transaction.TIDY_ARTIFACTS) as connection:
                await connection.run(WAIT_FOR_LOCKS, patience_ms=str(LOCK_PATIENCE_MS))
                await connection.run(LOCK_ARTIFACTS_FOR_RETENTION)
                forgotten += await connection.value(FORGET_ARTIFACTS, keep_after_ms=keep_after_ms, limit=BATCH)
        return forgotten

    async def _anything_old(self, keep_after_ms: int) -> bool:
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            return await connection.value(OLD_ARTIFACTS_EXIST, keep_after_ms=keep_after_ms)

    async def _forget_strays(self, now_ms: int, keep_after_ms: int) -> int:
        strays = 0
        async for digests in self._artifacts.older_than(min(keep_after_ms, now_ms - self._settings.grace_ms)):
            found = await self._database.write(
                Transaction.TIDY_ARTIFACTS, FORGET_STRAYS, digests=digests, keep_after_ms=keep_after_ms
            )
            strays += len(found)
        return strays

    async def _bring_back(self, keep_after_ms: int) -> int:
        digests = await self._digests(GARBAGE_NEEDED_AGAIN, keep_after_ms=keep_after_ms)
        for digest in digests:
            await self._artifacts.bring_back(digest)
            await self._database.write(Transaction.TIDY_ARTIFACTS, GARBAGE_GONE, digest=digest)
        return len(digests)

    async def _set_aside(self) -> int:
        done = 0
        while digests := await self._digests(GARBAGE_TO_SET_ASIDE, limit=BATCH):
            for digest in digests:
                await self._artifacts.set_aside(digest)
                await self._database.write(Transaction.TIDY_ARTIFACTS, GARBAGE_IS_ASIDE, digest=digest)
            done += len(digests)
        return done

    async def _delete(self, aside_before_ms: int) -> int:
        done = 0
        while digests := await self._digests(GARBAGE_TO_DELETE, aside_before_ms=aside_before_ms, limit=BATCH):
            for digest in digests:
                await self._artifacts.forget_aside(digest)
                await self._database.write(Transaction.TIDY_ARTIFACTS, GARBAGE_GONE, digest=digest)
            done += len(digests)
        return done

    async def _digests(self, query: Query[Digest], **named: int) -> list[Digest]:
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            return await connection.fetch(query, **named)
