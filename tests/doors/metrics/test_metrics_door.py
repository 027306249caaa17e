"""Metrics are answered to those who may read them, and to nobody who is slow, long or wants something else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from proofgrid.doors.metrics import server
from proofgrid.doors.metrics.listen import MetricsListen, metrics_listen
from proofgrid.doors.metrics.server import CONNECTIONS_MAX, HEAD_BYTES_MAX, MetricsDoor
from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry.metrics.of_gateway import HEDGES

HERE = MetricsListen(host="127.0.0.1", port=0)
TOKEN = "a token of a test"


@asynccontextmanager
async def door_of(listen: MetricsListen = HERE) -> AsyncIterator[MetricsDoor]:
    door = MetricsDoor(listen, lambda: {HEDGES.name: {(): 7.0}})
    await door.open()
    try:
        yield door
    finally:
        await door.close()


async def asked(door: MetricsDoor, request: bytes, *, tls: ssl.SSLContext | None = None) -> str:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", door.port, ssl=tls, server_hostname="localhost" if tls else None
    )
    try:
        writer.write(request)
        return (await reader.read()).decode()
    except ConnectionError:
        return ""
    finally:
        writer.close()


def get(path: str = "/metrics", *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *headers, "", ""]).encode()


async def test_whoever_asks_on_this_machine_reads_them_in_the_words_it_takes() -> None:
    async with door_of() as door:
        plain = await asked(door, get())
        rich = await asked(door, get("/metrics?x=1", "accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1"))
        head = await asked(door, get(method="HEAD"))

    assert plain.startswith("HTTP/1.1 200 OK\r\n")
    assert "Content-Type: text/plain; version=0.0.4" in plain
    assert plain.endswith("# TYPE proofgrid_hedges_total counter\nproofgrid_hedges_total 7.0\n")
    assert "Content-Type: application/openmetrics-text; version=1.0.0" in rich
    assert rich.endswith("proofgrid_hedges_total 7.0\n# EOF\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert head.endswith("\r\n\r\n")
    assert door.address == f"http://127.0.0.1:{door.port}/metrics"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("/"), "404"),
        (get("/metrics/../secret"), "404"),
        (get(method="POST"), "405"),
        (b"GET\r\n\r\n", "404"),
        (b"\x00\xff\xfe\r\n\r\n", "405"),
        (get("/metrics", "x: " + HEAD_BYTES_MAX * "a"), "431"),
        (get("/metrics", "no colon at all"), "200"),
    ],
)
async def test_whatever_else_is_asked_gets_a_plain_no(request_bytes: bytes, status: str) -> None:
    async with door_of() as door:
        answer = await asked(door, request_bytes)
    assert answer.startswith(f"HTTP/1.1 {status} ")


async def test_a_token_is_asked_for_where_there_is_one() -> None:
    async with door_of(MetricsListen(host="127.0.0.1", port=0, token=TOKEN)) as door:
        answers = [
            await asked(door, get("/metrics", *headers))
            for headers in (
                [],
                ["Authorization: Bearer wrong"],
                [f"Authorization: Basic {TOKEN}"],
                [f"authorization: bearer {TOKEN}"],
            )
        ]
    assert [one.split()[1] for one in answers] == ["401", "401", "401", "200"]
    assert "proofgrid" not in answers[0]
    assert TOKEN not in repr(MetricsListen(host="", port=0, token=TOKEN))


async def test_who_says_nothing_is_hung_up_on_and_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async with door_of() as door:
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(CONNECTIONS_MAX)]
        for _, writer in silent:
            writer.write(b"GET /metr")
        refused = await asked(door, get())
        monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.01)
        for _, writer in silent:
            writer.close()
        answer = ""
        while not answer:  # the others have to be noticed first
            answer = await asked(door, get())
        patient = await asyncio.open_connection("127.0.0.1", door.port)
        assert await patient[0].read() == b"", "it waits for nobody for ever"
        patient[1].close()
    assert refused == ""
    assert answer.startswith("HTTP/1.1 200")


async def test_a_port_that_is_taken_is_told_by_its_setting() -> None:
    async with door_of() as door:
        second = MetricsDoor(MetricsListen(host="127.0.0.1", port=door.port), dict)
        with pytest.raises(InvalidField, match="cannot listen on 127") as refused:
            await second.open()
    assert refused.value.field == "metrics"


async def test_with_a_certificate_it_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(one.bytes() for one in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with door_of(MetricsListen(host="127.0.0.1", port=0, certificate=chain, private_key=key)) as door:
        assert door.address.startswith("https://")
        assert (await asked(door, get(), tls=context)).startswith("HTTP/1.1 200")
        assert "HTTP/1.1 200" not in await asked(door, get())


def test_beyond_this_machine_a_token_goes_through_tls_or_everybody_may_read() -> None:
    pem = Path("chain.pem")
    for wrong, word in [
        ({}, "can be reached from elsewhere"),
        ({"token": TOKEN}, "in plain text"),
    ]:
        with pytest.raises(InvalidField, match=word):
            metrics_listen("0.0.0.0:9464", **{"token": "", "is_open": False, **wrong})  # type: ignore[arg-type]
    with_token = metrics_listen("0.0.0.0:9464", token=TOKEN, is_open=False, certificate=pem, private_key=pem)
    is_open = metrics_listen("0.0.0.0:9464", token=TOKEN, is_open=True)
    assert with_token is not None
    assert is_open is not None
    assert not with_token.lets_in("")
    assert is_open.lets_in("")
    assert metrics_listen("", token="", is_open=False) is None


@pytest.mark.parametrize("address", ["127.0.0.1", ":9464", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", "9464"])
def test_an_address_has_a_host_and_a_port(address: str) -> None:
    with pytest.raises(InvalidField, match=r"like 127\.0\.0\.1:9464"):
        metrics_listen(address, token="", is_open=True)


def test_addresses_of_the_newer_kind_are_taken() -> None:
    listen = metrics_listen("[::1]:0", token="", is_open=False)
    assert listen is not None
    assert (listen.host, listen.port) == ("::1", 0)
