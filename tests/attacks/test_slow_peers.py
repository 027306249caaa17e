"""Connections that say half of what they should, uploads that never end: each ends by itself.

Pins down: a half-open connection is ended by the server; an upload that comes too slowly is refused; what comes too
fast is waited for, and counted for its sender alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from proofgrid.doors.grpc import server as server_module
from proofgrid.doors.services import artifact as artifact_module
from proofgrid.doors.services import pace as pace_module
from proofgrid.doors.services.artifact import ArtifactService
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import MalformedMessage
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.rates import Rates
from proofgrid.rules.access.roles import Caller
from proofgrid.rules.jobs.limits import Rate
from proofgrid.wire.v1 import client_pb2 as messages

HEADER = messages.UploadRequest(header=messages.UploadHeader(size_bytes=10))


@pytest.mark.parametrize("said", [b"", b"PRI * HTTP/2.0\r\n\r\n"])
async def test_a_connection_that_says_half_of_what_it_should_is_ended(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "HANDSHAKE_MS", 200)
    server = server_module.new_server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        while await reader.read(1_024):
            pass  # what it says of itself; then it ends the connection
        writer.close()
    finally:
        await server.stop(None)


class Door:
    """Admits everybody, and counts bytes."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    async def admit_stream(self, context: Any, use_case: Any, read: Callable[[], Awaitable[Any]]) -> tuple[Caller, Any]:
        return Caller(Address("0xc"), frozenset()), await read()

    async def pace_bytes(self, caller: Caller, number: int) -> None:
        self.bytes.append(number)


class Context:
    """Of a call that nobody makes."""

    async def send_initial_metadata(self, metadata: object) -> None:
        pass


class Store:
    """Takes what comes."""

    async def store(self, caller: Caller, declared: Any, chunks: AsyncIterator[bytes]) -> tuple[Digest, int]:
        content = b"".join([chunk async for chunk in chunks])
        return digest_of(content), len(content)


async def upload(sent: Sequence[messages.UploadRequest], door: Door, *, ends: bool = True) -> Any:
    async def stream() -> AsyncIterator[messages.UploadRequest]:
        for message in sent:
            yield message
        if not ends:
            await asyncio.Event().wait()

    service = ArtifactService(cast(Any, door), cast(Any, Store()))
    return await ArtifactService.Upload.__wrapped__(service, stream(), Context())  # type: ignore[attr-defined]


def chunks(*contents: bytes) -> list[messages.UploadRequest]:
    return [HEADER, *(messages.UploadRequest(chunk=content) for content in contents)]


async def test_every_byte_of_an_upload_is_counted_and_every_message_too() -> None:
    door = Door()
    done = await upload(chunks(b"12345", b"", b"1"), door)
    assert done.size_bytes == 6
    assert door.bytes == [artifact_module.MESSAGE_BYTES + size for size in (5, 0, 1)]


@pytest.mark.parametrize("sent", [[], [HEADER], chunks(b"1")], ids=["nothing", "a header", "a byte"])
async def test_an_upload_that_does_not_go_on_is_refused(
    sent: list[messages.UploadRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "IDLE_SECONDS", 0.05)
    with pytest.raises(MalformedMessage, match="bytes per second"):
        await upload(sent, Door(), ends=False)


async def test_what_comes_too_fast_is_waited_for_by_its_sender_alone() -> None:
    clock = ManualClock()
    rates: Rates[str] = Rates(Rate(per_second=100, burst=1_000), clock)
    began = clock.now_ms()
    await rates.pace("fast", 1_000)
    assert clock.now_ms() == began
    await rates.pace("fast", 500)
    assert clock.now_ms() == began + 5_000
    await rates.pace("another", 1_000)
    assert clock.now_ms() == began + 5_000


def test_as_many_are_remembered_as_there_is_room_for() -> None:
    rates: Rates[int] = Rates(Rate(per_second=1, burst=1), ManualClock(), keys_max=10)
    for key in range(1_000):
        assert rates.take(key) == 0
    assert len(rates._buckets) == 10
    assert rates.take(999) > 0
