"""Services of an operator: which addresses are taken, and what becomes of answers that are none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.kit.engine import SERVICES, quiet_environment
from proofgrid.proofs.kit.services import (
    Service,
    ServiceFailed,
    ask_service,
    name_services,
    read_services,
    services_of,
)
from tests.proofs.systems.sp1.ere_server import EreServer, ere_server, sends

PATH = "/twirp/api.ZkvmService/Prove"


@pytest.fixture
def server() -> Iterator[EreServer]:
    with ere_server() as server:
        yield server


def asked(server: EreServer, answer: Callable[[Any], None], *, seconds: float = 60.0, most: int = 1_000) -> bytes:
    server.answers["Prove"] = answer
    service = Service("127.0.0.1", server.port, is_encrypted=False)
    return ask_service(service, PATH, b"question", content_type="text/x", seconds=seconds, answer_bytes_max=most)


def test_addresses_are_read_by_system_in_order() -> None:
    named = read_services(
        " sp1=http://127.0.0.1:3000, sp1 = https://gpu.example ,other=https://[2001:db8::1]:9/base/,sp1=http://[::1],"
        "sp1=http://127.0.0.1:3000,"
    )
    assert [str(one) for one in named["sp1"]] == [
        "http://127.0.0.1:3000",
        "https://gpu.example:443",
        "http://[::1]:80",
    ]
    assert [str(one) for one in named["other"]] == ["https://[2001:db8::1]:9/base"]
    assert read_services("") == {}


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:3000",
        "=http://127.0.0.1:3000",
        "sp1=127.0.0.1:3000",
        "sp1=ftp://127.0.0.1",
        "sp1=http://gpu.example:3000",
        "sp1=http://10.0.0.1:3000",
        "sp1=http://127.0.0.1.example:3000",
        "sp1=https://gpu.example:99999",
        "sp1=https://name:password@gpu.example",
        "sp1=https://name@gpu.example",
        "sp1=https://gpu.example/?key=1",
        "sp1=https://gpu.example/#part",
        "sp1=https://",
        "sp1=https://gpu.example/\x7f",
        ",".join(f"sp1=https://gpu{index}.example" for index in range(65)),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_services(text)
    assert refused.value.field == "services"
    assert "password@" not in str(refused.value)


def test_children_find_the_services_that_were_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv(SERVICES, "")
    assert services_of("sp1") == []
    name_services("sp1=http://127.0.0.1:3000")
    assert [str(one) for one in services_of("sp1")] == ["http://127.0.0.1:3000"]
    assert quiet_environment(tmp_path)[SERVICES] == "sp1=http://127.0.0.1:3000"
    with pytest.raises(InvalidField):
        name_services("sp1=http://gpu.example")
    assert [str(one) for one in services_of("sp1")] == ["http://127.0.0.1:3000"]


def test_an_answer_is_returned_whole(server: EreServer) -> None:
    assert asked(server, sends(200, b"x" * 1_000)) == b"x" * 1_000
    assert server.asked == [("Prove", b"question")]
    assert asked(server, sends(200, b"")) == b""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (sends(500, b"secret"), "status 500"),
        (sends(302, b"", Location="http://127.0.0.1:1/"), "status 302"),
        (sends(200, b"x" * 1_001), "more than 1000 bytes"),
        (sends(200, b"secret", Content_Length="9999999999999"), "more than 1000 bytes"),
        (sends(200, b"secret", Content_Length="500"), "middle of its answer"),
        (sends(200, b"secret", Content_Length="", Transfer_Encoding="chunked"), "does not answer"),
        (lambda handler: handler.wfile.write(b"secret " * 9_999), "does not answer"),
        (lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 999), "does not answer"),
        (lambda handler: None, "does not answer"),
    ],
)
def test_an_answer_that_is_none_is_the_services_trouble(
    server: EreServer, answer: Callable[[Any], None], words: str
) -> None:
    with pytest.raises(ServiceFailed, match=words) as failed:
        asked(server, answer)
    assert "secret" not in str(failed.value)


def test_who_floods_is_hung_up_on(server: EreServer) -> None:
    with pytest.raises(ServiceFailed, match="more than 1000 bytes"):
        asked(server, server.floods)


@pytest.mark.parametrize("how", ["hangs", "trickles"])
def test_who_never_ends_is_hung_up_on(server: EreServer, how: str) -> None:
    with pytest.raises(ServiceFailed, match=r"took longer than 0\.2 s"):
        asked(server, getattr(server, how), seconds=0.2, most=1 << 30)


def test_a_service_that_is_away_or_silent_is_the_services_trouble(server: EreServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(ServiceFailed, match="does not answer"):
        ask_service(Service("127.0.0.1", port, False), PATH, b"", content_type="x", seconds=60, answer_bytes_max=1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection, reads nothing, says nothing
        service = Service("127.0.0.1", silent.getsockname()[1], is_encrypted=False)
        with pytest.raises(ServiceFailed, match="took longer"):
            ask_service(service, PATH, bytes(1 << 24), content_type="x", seconds=0.2, answer_bytes_max=1)


def test_plain_text_is_no_tls(server: EreServer) -> None:
    with pytest.raises(ServiceFailed, match="does not answer"):
        ask_service(
            Service("127.0.0.1", server.port, True), PATH, b"", content_type="x", seconds=60, answer_bytes_max=1
        )
    assert server.asked == []


def test_no_timer_stays_behind(server: EreServer) -> None:
    before = threading.active_count()
    for _ in range(3):
        asked(server, sends(200, b"x"))
    assert sum(isinstance(thread, threading.Timer) for thread in threading.enumerate()) == 0
    assert threading.active_count() <= before + 1
