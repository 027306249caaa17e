"""A certificate that lies in the place of the old one is shown from the next connection on, at every door."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from proofgrid.cli.demo.drills.certificates import write_certificate
from proofgrid.doors.grpc.server import bind, new_server
from proofgrid.doors.services.certificates import ShownPair
from proofgrid.doors.services.listening import Listen, server_tls


def shown_at(port: int, name: str | None) -> str:
    """Return the certificate that a door shows to somebody who names it, or names nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname=name) as one,
    ):
        return ssl.DER_cert_to_PEM_cert(one.getpeercert(binary_form=True) or b"")


def test_a_pair_is_read_again_when_it_is_another_one(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, days=3)
    shown = ShownPair(certificate, key)
    first = shown.pair
    assert shown.renewed() is None

    write_certificate(tmp_path, days=90)
    renewed = shown.renewed()

    assert renewed is not None
    assert renewed == shown.pair != first
    assert shown.renewed() is None


@pytest.mark.parametrize("broken", ["half", "missing", "no key"])
def test_what_does_not_fit_is_not_shown_until_it_does(tmp_path: Path, broken: str) -> None:
    certificate, key = write_certificate(tmp_path, days=3)
    other = tmp_path / "other"
    other.mkdir()
    new_certificate, new_key = write_certificate(other, days=90)
    shown = ShownPair(certificate, key)

    if broken == "half":
        shutil.copy(new_certificate, certificate)
    elif broken == "missing":
        certificate.unlink()
    else:
        key.write_text("nothing")
    assert shown.renewed() is None

    shutil.copy(new_certificate, certificate)
    shutil.copy(new_key, key)
    assert shown.renewed() is not None
    assert shown.pair.chain == new_certificate.read_bytes()


@pytest.mark.parametrize("name", ["localhost", None])
async def test_a_door_of_http_shows_the_new_one(tmp_path: Path, name: str | None) -> None:
    certificate, key = write_certificate(tmp_path, days=3)

    async def served(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(served, "127.0.0.1", 0, ssl=server_tls(certificate, key)) as server:
        port = server.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(shown_at, port, name) == certificate.read_text()
        write_certificate(tmp_path, days=90)
        assert await asyncio.to_thread(shown_at, port, name) == certificate.read_text()
        assert await asyncio.to_thread(shown_at, port, name) == certificate.read_text()


async def test_a_door_of_grpc_shows_the_new_one(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path, days=3)
    server = new_server()
    port = bind(server, Listen(certificate=certificate, private_key=key))
    await server.start()
    try:
        assert await asyncio.to_thread(shown_at, port, "localhost") == certificate.read_text()
        write_certificate(tmp_path, days=90)
        assert await asyncio.to_thread(shown_at, port, "localhost") == certificate.read_text()
    finally:
        await server.stop(None)
