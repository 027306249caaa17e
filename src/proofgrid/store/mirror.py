"""Two copies of every artifact, in two stores, each mending the other.

    write   -> primary and second at once; a second that fails is noted and gets its copy later, from `repair`
    read    -> primary; when it is missing, corrupt or unreachable there, the second, and the primary is mended

What a reader was already sent from a copy that proves corrupt is compared with the good copy: it goes on only when it
was right, otherwise the reader hears ArtifactCorrupt and finds a healthy primary when it tries again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, Recoverable, TooLarge
from proofgrid.primitives.turns import Urgency
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.queries import query
from proofgrid.store.spool import Spool
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.metrics.of_gateway import REPAIRS

CONFIG_PREFIX = "PROOFGRID_MIRROR_"  #: PROOFGRID_MIRROR_AWS_ENDPOINT is AWS_ENDPOINT for the second store only
REPAIRS_AT_ONCE = 100
REPAIR_SECONDS = 30.0
_CLOUDS = ("AWS_", "GOOGLE_", "AZURE_")

ADD_REPAIR = query("add_repair", None)
FIRST_REPAIRS = query("first_repairs", Digest)
REMOVE_REPAIR = query("remove_repair", None)

log = structlog.get_logger(__name__)


class RepairList(Protocol):
    """The artifacts that have one copy only; survives the process."""

    async def add(self, digest: Digest) -> None: ...
    async def first(self, count: int) -> list[Digest]: ...
    async def remove(self, digest: Digest) -> None: ...


class DatabaseRepairList:
    """The repair list as a table, shared by all gateways."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: Digest) -> None:
        """Note an artifact; noting it again puts it at the end."""
        await self._database.write(Transaction.MEND_ARTIFACTS, ADD_REPAIR, digest=digest)

    async def first(self, count: int) -> list[Digest]:
        """Return those that wait longest."""
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            return await connection.fetch(FIRST_REPAIRS, limit=count)

    async def remove(self, digest: Digest) -> None:
        """Cross an artifact off."""
        await self._database.write(Transaction.MEND_ARTIFACTS, REMOVE_REPAIR, digest=digest)


class MirroredStore(ArtifactStore):
    """A primary and a second store that look like one."""

    def __init__(self, primary: ArtifactStore, second: ArtifactStore, repairs: RepairList) -> None:
        super().__init__(primary._store, local_root=primary._local_root, rows=primary._rows, vault=primary._vault)
        self.second = self._second = second
        self._repairs = repairs

    # --- in -----------------------------------------------------------------------------------------

    async def _publish(self, digest: Digest, stored: bytes | Spool) -> None:
        troubles = await asyncio.gather(
            _trouble_of(super()._publish(digest, stored)), _trouble_of(self._second._publish(digest, stored))
        )
        if troubles[0] is not None:
            raise troubles[0]
        if troubles[1] is not None:
            log.warning("second_copy_postponed", digest=digest, reason=str(troubles[1]))
            await self._repairs.add(digest)

    # --- out ----------------------------------------------------------------------------------------

    async def open_stream(self, digest: Digest, *, offset: int = 0) -> AsyncIterator[bytes]:
        """As of any store; raises ArtifactMissing only when both stores say so."""
        sent = _Sent()
        try:
            async for piece in super().open_stream(digest, offset=offset):
                sent.add(piece)
                yield piece
            return
        except Recoverable as reason:
            trouble = reason
        log.warning("read_from_second", digest=digest, reason=str(trouble))
        with self._spool() as spool:
            await self._rescue(digest, spool, trouble)
            if not await asyncio.to_thread(sent.agrees_with, spool, offset):
                raise ArtifactCorrupt(f"the first copy of {digest} was corrupt; it was mended, read it again")
            async for piece in spool.pieces(offset=offset + sent.size_bytes):
                yield piece

    async def read_bytes(self, digest: Digest, *, limit_bytes: int) -> bytes:
        """Return the whole artifact from whichever store has it, verified; raise TooLarge past `limit_bytes`."""
        if await self.size(digest) > limit_bytes:
            raise TooLarge(f"artifact {digest} is larger than {limit_bytes} bytes")
        try:
            return b"".join([piece async for piece in self.open_stream(digest)])
        except ArtifactCorrupt:  # nothing left this function: what was wrong is thrown away
            return b"".join([piece async for piece in self.open_stream(digest)])

    async def fetch_to(self, digest: Digest, path: Path) -> None:
        """Write the artifact to `path`, from whichever store has it."""
        try:
            await super().fetch_to(digest, path)
        except ArtifactCorrupt:
            await super().fetch_to(digest, path)

    async def size(self, digest: Digest) -> int:
        """Return the size of the artifact in bytes."""
        try:
            return await super().size(digest)
        except Recoverable as trouble:
            try:
                return await self._second.size(digest)
            except Recoverable as second_trouble:
                raise _worse(trouble, second_trouble) from trouble

    async def _rescue(self, digest: Digest, spool: Spool, trouble: Recoverable) -> None:
        """Copy the second's artifact into `spool`, verified, and from there to the primary when it lacks it."""
        try:
            await _copy_into(self._second.open_stream(digest), spool)
        except Recoverable as second_trouble:
            raise _worse(trouble, second_trouble) from trouble
        if isinstance(trouble, ArtifactMissing | ArtifactCorrupt):
            failed = await _trouble_of(super()._publish(digest, spool))
            log.warning("primary_mended" if failed is None else "primary_not_mended", digest=digest)
            REPAIRS.add(1, "first" if failed is None else "impossible")

    # --- away ---------------------------------------------------------------------------------------

    async def delete(self, digest: Digest) -> None:
        """Forget both copies."""
        await super().delete(digest)
        await self._second.delete(digest)
        await self._repairs.remove(digest)

    async def set_aside(self, digest: Digest) -> None:
        """Set both copies aside."""
        await super().set_aside(digest)
        await self._second.set_aside(digest)

    async def bring_back(self, digest: Digest) -> None:
        """Bring both copies back."""
        await super().bring_back(digest)
        await self._second.bring_back(digest)

    async def forget_aside(self, digest: Digest) -> None:
        """Forget both copies that were set aside."""
        await super().forget_aside(digest)
        await self._second.forget_aside(digest)

    # --- repair -------------------------------------------------------------------------------------

    async def repair(self) -> int:
        """Copy what waits to the second store; return how many. Stops at the first failure: the store is still away."""
        repaired = 0
        while waiting := await self._repairs.first(REPAIRS_AT_ONCE):
            for digest in waiting:
                try:
                    with self._spool() as spool:
                        await _copy_into(super().open_stream(digest), spool)
                        await self._second._publish(digest, spool)
                    REPAIRS.add(1, "second")
                except (ArtifactMissing, ArtifactCorrupt) as reason:
                    REPAIRS.add(1, "impossible")
                    log.error("repair_impossible", digest=digest, reason=str(reason))  # a new upload notes it again
                await self._repairs.remove(digest)
                repaired += 1
        return repaired


@dataclass(slots=True)
class _Sent:
    """What went out to a reader from a copy nobody had verified to its end."""

    size_bytes: int = 0
    hasher: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        self.hasher.update(piece)

    def agrees_with(self, spool: Spool, offset: int) -> bool:
        """Say whether the same bytes lie in `spool` from `offset` on."""
        hasher, left_bytes = hashlib.sha256(), self.size_bytes
        for piece in spool.read_from(offset):
            hasher.update(piece[:left_bytes])
            left_bytes -= len(piece[:left_bytes])
            if not left_bytes:
                break
        return left_bytes == 0 and hasher.digest() == self.hasher.digest()


def second_config(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the second store's own settings out of PROOFGRID_MIRROR_AWS_… variables and their like."""
    named = {name.removeprefix(CONFIG_PREFIX): value for name, value in environment.items() if CONFIG_PREFIX in name}
    return {name.lower(): value for name, value in named.items() if name.startswith(_CLOUDS)}


async def _copy_into(pieces: AsyncIterator[bytes], spool: Spool) -> None:
    async for piece in pieces:
        await asyncio.to_thread(spool.write, piece)
    await asyncio.to_thread(spool.finish)


async def _trouble_of(writing: Awaitable[object]) -> Recoverable | None:
    try:
        await writing
    except Recoverable as reason:
        return reason
    return None


def _worse(first: Recoverable, second: Recoverable) -> Recoverable:
    """Missing is what nobody can help, so it is said only when both copies are."""
    return second if isinstance(first, ArtifactMissing) else first
