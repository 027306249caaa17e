"""Artifacts in and out: who may store how much, and who may read what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField, NotAllowed, Recoverable, TooLarge, UnknownArtifact
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.artifacts import ArtifactStore, pieces_of_row
from proofgrid.store.database import Database
from proofgrid.store.stored_artifacts import LEASE_ALLOWS_UPLOAD, READABLE_ARTIFACT, RECORD_ARTIFACTS, STORED_BYTES
from proofgrid.store.transactions import Transaction
from proofgrid.store.troubles import Troubles

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What is said of an upload before its bytes come."""

    size_bytes: int
    digest: Digest | None  #: None: whatever it comes to
    lease_id: UUID | None  #: under which an operator uploads


class Artifacts:
    """Clients store what they hand in, operators what a lease of theirs produced."""

    def __init__(self, database: Database, artifacts: ArtifactStore, troubles: Troubles, *, limits: Limits) -> None:
        self._database = database
        self._artifacts = artifacts
        self._troubles = troubles
        self._limits = limits

    @needs(*ANYBODY)
    async def store(self, caller: Caller, declared: Declared, chunks: AsyncIterator[bytes]) -> tuple[Digest, int]:
        """Store what comes and return its digest and its size in bytes; nothing is kept of what is refused.

        Raises TooLarge, NotAllowed, InvalidField, and what `ArtifactStore.put_stream` raises.
        """
        with self._noted():
            await self._check_allowed(caller, declared)
            digest, size_bytes = await self._artifacts.put_stream(
                chunks, limit_bytes=self._limits.upload_bytes, expected=declared.digest
            )
            await self._database.write(
                Transaction.RECORD_ARTIFACT,
                RECORD_ARTIFACTS,
                owners=[caller.address],
                digests=[digest],
                sizes=[size_bytes],
            )
        log.info("artifact_stored", digest=digest, size_bytes=size_bytes, owner=caller.address)
        return digest, size_bytes

    @needs(*ANYBODY)
    async def read(self, caller: Caller, digest: Digest) -> AsyncIterator[bytes]:
        """Yield the chunks of an artifact that the caller may read, else raise UnknownArtifact.

        A corrupt copy is never sent whole.
        """
        with self._noted(digest):
            async with self._database.connection() as connection:
                found = await connection.value(READABLE_ARTIFACT, digest=digest, reader=caller.address)
            if not found.allowed:
                raise UnknownArtifact(field="digest")
            if found.content is not None:
                for piece in pieces_of_row(digest, found.content):
                    yield piece
                return
            async for chunk in self._artifacts.open_stream(digest):
                yield chunk

    @contextmanager
    def _noted(self, digest: Digest | None = None) -> Iterator[None]:
        """Note what a caller is told that is not its own fault: a prover may have to hand a lease back for it."""
        try:
            yield
        except Recoverable as error:
            self._troubles.note(error, digest)
            raise

    async def _check_allowed(self, caller: Caller, declared: Declared) -> None:
        if declared.size_bytes > self._limits.upload_bytes:
            raise TooLarge(
                f"{declared.size_bytes} bytes are declared, at most {self._limits.upload_bytes} are allowed",
                field="size_bytes",
            )
        async with self._database.connection() as connection:
            if declared.lease_id is not None:
                if not await connection.value(LEASE_ALLOWS_UPLOAD, lease_id=declared.lease_id, operator=caller.address):
                    raise NotAllowed("you do not hold this lease", field="lease_id")
                return
            if not caller.roles & {Role.CLIENT, Role.ADMIN}:
                raise InvalidField("operators upload under a lease", field="lease_id")
            stored = await connection.value(STORED_BYTES, owner=caller.address)
        # The declared size may be a lie; then the limit of this one upload bounds the harm.
        if stored + declared.size_bytes > self._limits.stored_bytes:
            raise TooLarge(
                f"you store {stored} bytes, at most {self._limits.stored_bytes} are allowed", field="size_bytes"
            )
