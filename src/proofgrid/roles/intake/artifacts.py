"""Artifacts in and out: who may store how much, and who may read what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField, Recoverable, TooLarge, UnknownArtifact
from proofgrid.roles.intake.reservations import Reservation, Reservations, unless_whole
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.artifacts import ArtifactStore, pieces_of_row
from proofgrid.store.database import Database
from proofgrid.store.stored_artifacts import READABLE_ARTIFACT
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

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        reservations: Reservations,
        troubles: Troubles,
        *,
        limits: Limits,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._reservations = reservations
        self._troubles = troubles
        self._limits = limits

    @needs(*ANYBODY, scopes=(Scope.PROGRAMS_WRITE,))
    async def store(self, caller: Caller, declared: Declared, chunks: AsyncIterator[bytes]) -> tuple[Digest, int]:
        """Store what comes and return its digest and its size in bytes; nothing is kept of what is refused.

        Not more than was declared: that is what is reserved before the first byte is read. Raises TooLarge, NotAllowed,
        InvalidField, and what `ArtifactStore.put_stream` raises.
        """
        self._check_allowed(caller, declared)
        with self._noted():
            async with self._reservations.reserved(
                caller.address, declared.size_bytes, digest=declared.digest, lease_id=declared.lease_id
            ) as reservation:
                counted = _Counted(reservation.extended(chunks))
                digest, size_bytes = await unless_whole(
                    self._put(reservation, declared, counted), lambda: counted.have_ended
                )
        log.info("artifact_stored", digest=digest, size_bytes=size_bytes, owner=caller.address)
        return digest, size_bytes

    async def _put(self, reservation: Reservation, declared: Declared, chunks: _Counted) -> tuple[Digest, int]:
        digest, size_bytes = await self._artifacts.put_stream(
            aiter(chunks), limit_bytes=declared.size_bytes, expected=declared.digest
        )
        await reservation.settle({digest: size_bytes})
        return digest, size_bytes

    @needs(
        *ANYBODY,
        scopes=(
            Scope.TASKS_READ,
            Scope.PROGRAMS_READ,
        ),
    )
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

    def _check_allowed(self, caller: Caller, declared: Declared) -> None:
        if declared.size_bytes > self._limits.upload_bytes:
            raise TooLarge(
                f"{declared.size_bytes} bytes are declared, at most {self._limits.upload_bytes} are allowed",
                field="size_bytes",
            )
        if declared.lease_id is None and not caller.roles & {Role.CLIENT, Role.ADMIN}:
            raise InvalidField("operators upload under a lease", field="lease_id")


class _Counted:
    """Chunks that come, and whether all of them have come."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.have_ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk
        self.have_ended = True
