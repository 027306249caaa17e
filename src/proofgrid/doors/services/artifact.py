"""Artifacts in and out over gRPC, in chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from proofgrid.doors.services.answers import write_artifact
from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering, streaming
from proofgrid.doors.services.pace import Pace
from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import InvalidRequest, MalformedMessage
from proofgrid.primitives.ids import parse_uuid
from proofgrid.roles.intake.artifacts import Artifacts, Declared
from proofgrid.rules.access.roles import Caller
from proofgrid.wire.fields import check_message
from proofgrid.wire.uploads import GO_ON
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services
from proofgrid.wire.v1 import common_pb2 as common

CHUNK_BYTES_MAX = 1 << 20
MESSAGE_BYTES = 256  #: that a message costs besides its own
READ_OUT_CHUNKS = 16
READ_OUT_SECONDS = 2.0


class ArtifactService(services.ArtifactServiceServicer):
    """What `ArtifactService` of proto/proofgrid/wire/v1/client.proto promises."""

    def __init__(self, door: FrontDoor, artifacts: Artifacts) -> None:
        self._door = door
        self._artifacts = artifacts

    @answering
    async def Upload(  # noqa: N802
        self, request_iterator: AsyncIterator[messages.UploadRequest], context: CallContext
    ) -> common.ArtifactRef:
        caller, header = await self._door.admit_stream(
            context, self._artifacts.store, lambda: _first_of(request_iterator)
        )
        stream = aiter(request_iterator)  # where it was left
        try:
            chunks = self._chunks(caller, context, stream)
            return write_artifact(*await self._artifacts.store(caller, _read_header(header), chunks))
        except InvalidRequest:
            await _read_out(stream)
            raise

    async def _chunks(
        self, caller: Caller, context: CallContext, stream: AsyncIterator[messages.UploadRequest]
    ) -> AsyncIterator[bytes]:
        await context.send_initial_metadata((GO_ON,))
        pace = Pace()
        while (message := await _next(stream, pace)) is not None:
            if message.WhichOneof("part") != "chunk":
                raise MalformedMessage("after the header come chunks", field="chunk")
            if len(message.chunk) > CHUNK_BYTES_MAX:
                raise MalformedMessage(f"a chunk has at most {CHUNK_BYTES_MAX} bytes", field="chunk")
            pace.note(len(message.chunk))
            await self._door.pace_bytes(caller, len(message.chunk) + MESSAGE_BYTES)
            yield message.chunk

    @streaming
    async def Download(  # noqa: N802
        self, request: messages.DownloadRequest, context: CallContext
    ) -> AsyncIterator[messages.DownloadResponse]:
        caller = await self._door.admit(context, self._artifacts.read)
        async for chunk in self._artifacts.read(caller, parse_digest(request.digest)):
            yield messages.DownloadResponse(chunk=chunk)


async def _first_of(parts: AsyncIterator[messages.UploadRequest]) -> messages.UploadHeader:
    first = await _next(aiter(parts), Pace())
    if first is None or first.WhichOneof("part") != "header":
        raise MalformedMessage("the first message is the header", field="header")
    header: messages.UploadHeader = first.header
    check_message(header)
    return header


def _read_header(header: messages.UploadHeader) -> Declared:
    return Declared(
        size_bytes=header.size_bytes,
        digest=parse_digest(header.digest) if header.digest else None,
        lease_id=parse_uuid(header.lease_id, field="lease_id") if header.lease_id else None,
    )


async def _read_out(stream: AsyncIterator[messages.UploadRequest]) -> None:
    """Read the rest of a refused upload, if it is short: gRPC loses an answer that overtakes what is being written."""
    with suppress(TimeoutError):
        async with asyncio.timeout(READ_OUT_SECONDS):
            for _ in range(READ_OUT_CHUNKS):
                if await anext(stream, None) is None:
                    return


async def _next(stream: AsyncIterator[messages.UploadRequest], pace: Pace) -> messages.UploadRequest | None:
    """Return the next message of an upload, None at its end. Raises MalformedMessage when it comes too slowly."""
    try:
        async with asyncio.timeout_at(pace.until):
            return await anext(stream, None)
    except TimeoutError:
        raise pace.too_slow("chunk") from None
