"""A bucket is spoken to by TLS 1.2 or newer: what the engine offers, before anything of ours is sent."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from proofgrid.primitives.digests import parse_digest
from proofgrid.primitives.errors import ProofgridError
from proofgrid.store.artifacts import ArtifactStore
from tests.certificates import tls_settings

HANDSHAKE, CLIENT_HELLO, SUPPORTED_VERSIONS = 22, 1, 43
NOBODYS = parse_digest("ab" * 32)
TLS_1_2, TLS_1_3 = 0x0303, 0x0304
BUCKETS = {
    "s3://bucket/prefix": {"AWS_ENDPOINT": "{}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
    "az://container/prefix": {"AZURE_STORAGE_ACCOUNT_NAME": "a", "AZURE_STORAGE_ACCOUNT_KEY": "Yg==", "endpoint": "{}"},
}


@pytest.mark.parametrize("url", BUCKETS)
async def test_nothing_older_than_tls_1_2_is_offered(url: str) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(5)
        body = await reader.readexactly(int.from_bytes(head[3:]))
        if not heard.done():
            heard.set_result(head + body)
        writer.close()

    async with await asyncio.start_server(listen, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        config = {name: value.format(f"https://localhost:{port}") for name, value in BUCKETS[url].items()}
        asking = asyncio.ensure_future(ArtifactStore.open(url, config=config).exists(NOBODYS))
        hello = await heard
        asking.cancel()
        with suppress(asyncio.CancelledError, ProofgridError):
            await asking

    assert set(_versions(hello)) == {TLS_1_2, TLS_1_3}


@pytest.mark.parametrize("least", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_nobody_knows_ends_the_connection(
    least: ssl.TLSVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ALLOW_INVALID_CERTIFICATES", "true")  # a variable does not talk anybody out of it
    paths = tls_settings(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(paths["TLS_CERTIFICATE"], paths["TLS_KEY"])
    context.minimum_version = context.maximum_version = least
    asked: list[bytes] = []
    refused = asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _said: refused.set())

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            asked.append(await reader.read(1))
        refused.set()
        writer.close()

    async with await asyncio.start_server(listen, "localhost", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        config = {**BUCKETS["s3://bucket/prefix"], "AWS_ENDPOINT": f"https://localhost:{port}"}
        asking = asyncio.ensure_future(ArtifactStore.open("s3://bucket/prefix", config=config).exists(NOBODYS))
        await asyncio.wait([asking, asyncio.ensure_future(refused.wait())], return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        with suppress(asyncio.CancelledError, ProofgridError):
            await asking

    assert not any(asked)


def _versions(record: bytes) -> list[int]:
    """Return the versions of TLS that a client offers, by its first record."""
    assert record[0] == HANDSHAKE
    assert record[5] == CLIENT_HELLO
    at = 5 + 4 + 2 + 32  # the record's head, the message's, the version of old, the client's chance
    at += 1 + record[at]  # the session
    at += 2 + int.from_bytes(record[at : at + 2])  # suites
    at += 1 + record[at]  # compression
    at += 2
    while at < len(record):
        kind, size = int.from_bytes(record[at : at + 2]), int.from_bytes(record[at + 2 : at + 4])
        if kind == SUPPORTED_VERSIONS:
            offered = record[at + 5 : at + 4 + size]
            return [int.from_bytes(offered[n : n + 2]) for n in range(0, len(offered), 2)]
        at += 4 + size
    return [int.from_bytes(record[9:11])]
