"""Artifacts up to a gateway and down from it, in chunks, with the digest checked at both ends.

Bytes named by their digest may be sent twice: a transfer that is cut off starts again, at another gateway if need be.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from proofgrid.primitives.digests import Digest, digest_of_file, parse_digest
from proofgrid.primitives.errors import ArtifactCorrupt, InvalidField, Unavailable
from proofgrid.primitives.whole_files import written_whole
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import client_pb2 as messages

CHUNK_BYTES = 512 << 10

OnBytes = Callable[[int], None]  #: how many bytes have passed so far


async def upload_file(
    connection: Connection, path: Path, *, lease_id: str = "", on_bytes: OnBytes | None = None
) -> Digest:
    """Upload a file and return its digest, which the gateway computed as well."""
    try:
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        digest = await asyncio.to_thread(digest_of_file, path)
    except OSError as error:
        raise InvalidField(f"{path} cannot be read: {error.strerror}", field="file") from None
    header = messages.UploadHeader(digest=digest, size_bytes=size_bytes, lease_id=lease_id)

    async def attempt() -> Digest:
        reference = await connection.upload(lambda services: services.artifacts.Upload, _parts(header, path, on_bytes))
        return parse_digest(reference.digest)

    return await connection.patiently(attempt)


async def _parts(
    header: messages.UploadHeader, path: Path, on_bytes: OnBytes | None
) -> AsyncIterator[messages.UploadRequest]:
    yield messages.UploadRequest(header=header)
    sent = 0
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield messages.UploadRequest(chunk=chunk)
            sent += len(chunk)
            if on_bytes is not None:
                on_bytes(sent)


async def download_file(connection: Connection, digest: Digest, path: Path) -> None:
    """Download an artifact to `path`, which appears only when it is whole; raise ArtifactCorrupt when it is not."""
    await connection.patiently(lambda: _download(connection, digest, path), on=(Unavailable,))


async def _download(connection: Connection, digest: Digest, path: Path) -> None:
    hasher = hashlib.sha256()
    with written_whole(path) as part:
        with part.open("wb") as file:
            async for message in connection.stream(
                lambda services: services.artifacts.Download, messages.DownloadRequest(digest=digest)
            ):
                hasher.update(message.chunk)
                await asyncio.to_thread(file.write, message.chunk)
        if hasher.hexdigest() != digest:
            raise ArtifactCorrupt(f"what arrived does not hash to {digest}")
