"""What a client does with an upload that a gateway takes, refuses or leaves alone.

Pins down: nothing is written behind a header before the gateway took it, so a refusal is never overtaken by what is
being written; a gateway that neither takes nor refuses a header is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import TooLarge, Unavailable
from proofgrid.sdk import signing
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.transfer import CHUNK_BYTES, upload_file
from proofgrid.wire.errors import status_of, write_error
from proofgrid.wire.uploads import GO_ON
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import common_pb2 as common
from tests.makers import a_key
from tests.silent_gateways import gateway_of, silent

REFUSAL = TooLarge("a file may have at most 9 bytes", field="size_bytes")
FILE_BYTES = 3 * CHUNK_BYTES + 1
TRIES = 60


def a_file(folder: Path) -> Path:
    path = folder / "file"
    path.write_bytes(b"x" * FILE_BYTES)
    return path


def connection_to(*gateways: str) -> Connection:
    return Connection([*gateways], a_key(), network=a_key().address, patience_seconds=0)


class Gateway:
    """Refuses an upload behind so many messages, or takes it whole."""

    def __init__(self, *, refuses_at: int | None) -> None:
        self.refuses_at = refuses_at
        self.heard: list[messages.UploadRequest] = []

    async def upload(self, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        self.heard = []
        async for request in requests:
            self.heard.append(messages.UploadRequest.FromString(request))
            if len(self.heard) == self.refuses_at:
                await context.abort(status_of(REFUSAL), REFUSAL.detail, write_error(REFUSAL))
            if len(self.heard) == 1:
                await context.send_initial_metadata((GO_ON,))
        content = b"".join(message.chunk for message in self.heard)
        yield common.ArtifactRef(digest=digest_of(content), size_bytes=len(content)).SerializeToString()


async def test_a_header_that_is_refused_is_refused_in_the_gateways_words(tmp_path: Path) -> None:
    gateway, path, written = Gateway(refuses_at=1), a_file(tmp_path), list[int]()
    async with gateway_of("ArtifactService", Upload=gateway.upload) as address, asyncio.timeout(60):
        for _ in range(TRIES):
            async with connection_to(address) as connection:
                with pytest.raises(TooLarge, match="at most 9 bytes"):
                    await upload_file(connection, path, on_bytes=written.append)
    assert not written


async def test_what_is_taken_arrives_whole(tmp_path: Path) -> None:
    gateway, path = Gateway(refuses_at=None), a_file(tmp_path)
    async with gateway_of("ArtifactService", Upload=gateway.upload) as address, connection_to(address) as connection:
        assert await upload_file(connection, path) == digest_of(path.read_bytes())
    assert gateway.heard[0].header.size_bytes == FILE_BYTES


async def test_a_refusal_amid_the_chunks_ends_the_upload(tmp_path: Path) -> None:
    gateway, path = Gateway(refuses_at=2), a_file(tmp_path)
    async with gateway_of("ArtifactService", Upload=gateway.upload) as address, connection_to(address) as connection:
        with pytest.raises((TooLarge, Unavailable)):  # what is being written may still overtake it
            await upload_file(connection, path)


async def test_a_gateway_that_neither_takes_nor_refuses_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "GO_ON_SECONDS", 0.3)
    called, gateway, path = asyncio.Event(), Gateway(refuses_at=None), a_file(tmp_path)
    async with (
        gateway_of("ArtifactService", Upload=silent(called)) as first,
        gateway_of("ArtifactService", Upload=gateway.upload) as second,
        connection_to(first, second) as connection,
        asyncio.timeout(60),
    ):
        with pytest.raises(Unavailable, match="neither takes"):
            await upload_file(connection, path)
        assert connection.target.address == second
        await upload_file(connection, path)
    assert called.is_set()


async def test_a_gateway_that_answers_behind_the_header_is_believed(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    known = common.ArtifactRef(digest=digest_of(path.read_bytes()), size_bytes=FILE_BYTES).SerializeToString()

    async def upload(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
        async for _ in requests:
            yield known
            return

    async with gateway_of("ArtifactService", Upload=upload) as address, connection_to(address) as connection:
        assert await upload_file(connection, path) == digest_of(path.read_bytes())
