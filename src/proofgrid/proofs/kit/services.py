"""Services that prove for an operator: named by addresses, asked over HTTP, and never believed.

    PROOFGRID_SERVICES=sp1=https://gpu.example:3000,sp1=http://127.0.0.1:3000

A prover's children find the addresses in that variable, which its settings fill. A service is given what it has to
prove, so an address of another machine is encrypted. Whoever asks says how long an answer may take, all in all, and
how large it may be; a service that trickles, hangs or never stops is hung up on.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.kit.engine import SERVICES
from proofgrid.wire.addresses import is_loopback

SERVICES_MAX = 64
_CONNECT_SECONDS = 10.0
_PIECE_BYTES = 1 << 16
_ANSWERED = 200
_PORTS = {"http": 80, "https": 443}
_HINT = "like sp1=https://gpu.example:3000, or sp1=http://127.0.0.1:3000 on this machine"


class ServiceFailed(Exception):
    """A service does not answer, or not in time, or more than it may; the text holds nothing of what it said."""


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is reached."""

    host: str
    port: int
    is_encrypted: bool
    path: str = ""  #: what stands before the paths of its calls

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_encrypted else 'http'}://{host}:{self.port}{self.path}"


def name_services(text: str) -> None:
    """Make the services of a setting those of this process and its children. Raises InvalidField."""
    read_services(text)
    os.environ[SERVICES] = text


def services_of(system: str) -> list[Service]:
    """Return the services that were named for a proof system, in the order in which they were."""
    return read_services(os.environ.get(SERVICES, "")).get(system, [])


def read_services(text: str) -> dict[str, list[Service]]:
    """Return the services that a setting names, by proof system; raise InvalidField for what is no address."""
    named: dict[str, list[Service]] = {}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > SERVICES_MAX:
        raise InvalidField(f"at most {SERVICES_MAX} services", field="services")
    for part in parts:
        system, sign, address = part.partition("=")
        if not sign or not system.strip():
            raise InvalidField("a service is named with the system that it proves for", field="services", hint=_HINT)
        of_system = named.setdefault(system.strip(), [])
        if (service := _service(address.strip())) not in of_system:
            of_system.append(service)
    return named


def ask_service(
    service: Service, path: str, content: bytes, *, content_type: str, seconds: float, answer_bytes_max: int
) -> bytes:
    """Post `content` and return what the service answers with status 200; redirections are not followed.

    `seconds` is for the whole of it, the connection included. Raises ServiceFailed.
    """
    connection = _connection(service, min(seconds, _CONNECT_SECONDS))
    try:
        connection.connect()
        with _hung_up_after(connection.sock, seconds):
            return _answer(connection, service.path + path, content, content_type, answer_bytes_max)
    except _Late:
        raise ServiceFailed(f"{service} took longer than {seconds:g} s") from None
    except (OSError, HTTPException, ValueError) as reason:
        # A parser's error may quote the answer.
        raise ServiceFailed(f"{service} does not answer: {type(reason).__name__}") from None
    finally:
        connection.close()


def _connection(service: Service, seconds: float) -> HTTPConnection:
    if service.is_encrypted:
        tls = ssl.create_default_context()
        return HTTPSConnection(service.host, service.port, timeout=seconds, context=tls)
    return HTTPConnection(service.host, service.port, timeout=seconds)


def _answer(connection: HTTPConnection, path: str, content: bytes, content_type: str, answer_bytes_max: int) -> bytes:
    connection.request("POST", path, body=content, headers={"Content-Type": content_type, "Connection": "close"})
    with connection.getresponse() as answer:
        if answer.status != _ANSWERED:
            raise ServiceFailed(f"{connection.host} answers with status {answer.status}")
        if (answer.length or 0) > answer_bytes_max:
            raise ServiceFailed(f"{connection.host} answers with more than {answer_bytes_max} bytes")
        said = bytearray()
        while piece := answer.read1(_PIECE_BYTES):
            said += piece
            if len(said) > answer_bytes_max:
                raise ServiceFailed(f"{connection.host} answers with more than {answer_bytes_max} bytes")
        if answer.length:
            raise ServiceFailed(f"{connection.host} hangs up in the middle of its answer")
    return bytes(said)


class _Late(Exception):
    """The time was over before the answer was whole."""


@contextmanager
def _hung_up_after(line: socket.socket, seconds: float) -> Iterator[None]:
    """Hang up when the time is over, whatever the other side does; raise _Late then, whatever came of the call."""
    is_late = threading.Event()

    def hang_up() -> None:
        is_late.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    line.settimeout(None)
    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if is_late.is_set():
            raise _Late


def _service(address: str) -> Service:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise InvalidField("the port is a number up to 65535", field="services", hint=_HINT) from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment or not address.isprintable():
        raise InvalidField("the address of a service is http:// or https:// with a host", field="services", hint=_HINT)
    if parts.username is not None or parts.password is not None:
        raise InvalidField("an address shows up in logs: no name and no password in it", field="services")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise InvalidField(
            "http:// is plain text and only for this machine", field="services", hint="use https:// for others"
        )
    return Service(parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "https", parts.path.rstrip("/"))
