"""Artifacts in and out, in chunks, checked on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering, streaming
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import (
    InvalidField,
    InvalidRequest,
    MalformedMessage,
    NotAllowed,
    TooLarge,
    UnknownArtifact,
)
from proofgrid.primitives.ids import parse_uuid
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Limits
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.stored_artifacts import (
    LEASE_ALLOWS_UPLOAD,
    MAY_READ_ARTIFACT,
    RECORD_ARTIFACTS,
    STORED_BYTES,
)
from proofgrid.store.transactions import Transaction
from proofgrid.wire.codec.tasks import write_artifact
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services
from proofgrid.wire.v1 import common_pb2 as common

CHUNK_BYTES_MAX = 1 << 20
READ_OUT_CHUNKS = 16
READ_OUT_SECONDS = 2.0

log = structlog.get_logger(__name__)


class ArtifactService(services.ArtifactServiceServicer):
    """What `ArtifactService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(self, door: FrontDoor, database: Database, artifacts: ArtifactStore, *, limits: Limits) -> None:
        self._door = door
        self._database = database
        self._artifacts = artifacts
        self._limits = limits

    @answering
    async def Upload(self, request_iterator: Any, context: Any) -> common.ArtifactRef:  # noqa: N802
        """Store a stream of chunks; nothing is kept of an upload that is refused."""
        caller = await self._door.admit(context, Role.CLIENT, Role.OPERATOR, Role.ADMIN)
        stream = aiter(request_iterator)
        first = await anext(stream, None)
        if first is None or first.WhichOneof("part") != "header":
            raise MalformedMessage("the first message is the header", field="header")
        header = first.header
        try:
            await self._check_allowed(caller, header)
            expected = parse_digest(header.digest) if header.digest else None
            digest, size_bytes = await self._artifacts.put_stream(
                _chunks(stream), limit_bytes=self._limits.upload_bytes, expected=expected
            )
        except InvalidRequest:
            await _read_out(stream)
            raise
        await self._database.write(
            Transaction.RECORD_ARTIFACT, RECORD_ARTIFACTS, owners=[caller.address], digests=[digest], sizes=[size_bytes]
        )
        log.info("artifact_stored", digest=digest, size_bytes=size_bytes, owner=caller.address)
        return write_artifact(digest, size_bytes)

    @streaming
    async def Download(  # noqa: N802
        self, request: messages.DownloadRequest, context: Any
    ) -> AsyncIterator[messages.DownloadResponse]:
        """Send an artifact that the caller may read; a corrupt copy is never sent whole."""
        caller = await self._door.admit(context, Role.CLIENT, Role.OPERATOR, Role.ADMIN)
        digest = parse_digest(request.digest)
        async with self._database.connection() as connection:
            if not await connection.value(MAY_READ_ARTIFACT, digest=digest, reader=caller.address):
                raise UnknownArtifact(field="digest")
        async for chunk in self._artifacts.open_stream(digest):
            yield messages.DownloadResponse(chunk=chunk)

    async def _check_allowed(self, caller: Caller, header: messages.UploadHeader) -> None:
        if header.size_bytes > self._limits.upload_bytes:
            raise TooLarge(
                f"{header.size_bytes} bytes are declared, at most {self._limits.upload_bytes} are allowed",
                field="size_bytes",
            )
        async with self._database.connection() as connection:
            if header.lease_id:
                lease_id = parse_uuid(header.lease_id, field="lease_id")
                if not await connection.value(LEASE_ALLOWS_UPLOAD, lease_id=lease_id, operator=caller.address):
                    raise NotAllowed("you do not hold this lease", field="lease_id")
                return
            if not caller.roles & {Role.CLIENT, Role.ADMIN}:
                raise InvalidField("operators upload under a lease", field="lease_id")
            stored = await connection.value(STORED_BYTES, owner=caller.address)
        # The declared size may be a lie; then the limit of this one upload bounds the harm.
        if stored + header.size_bytes > self._limits.stored_bytes:
            raise TooLarge(
                f"you store {stored} bytes, at most {self._limits.stored_bytes} are allowed", field="size_bytes"
            )


async def _read_out(stream: AsyncIterator[messages.UploadRequest]) -> None:
    """Read the rest of a refused upload, if it is short: gRPC loses an answer that overtakes what is being written."""
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_OUT_SECONDS):
            for _ in range(READ_OUT_CHUNKS):
                if await anext(stream, None) is None:
                    return


async def _chunks(stream: AsyncIterator[messages.UploadRequest]) -> AsyncIterator[bytes]:
    async for message in stream:
        if message.WhichOneof("part") != "chunk":
            raise MalformedMessage("after the header come chunks", field="chunk")
        if len(message.chunk) > CHUNK_BYTES_MAX:
            raise MalformedMessage(f"a chunk has at most {CHUNK_BYTES_MAX} bytes", field="chunk")
        yield message.chunk
