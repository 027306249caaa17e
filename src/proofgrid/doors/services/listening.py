"""Where a gateway listens: the addresses of its doors, whose they are, and that nothing but the loopback is plain."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from proofgrid.doors.services.certificates import ShownPair
from proofgrid.primitives.errors import InvalidField
from proofgrid.wire.addresses import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where the gateway listens. Without a certificate only the loopback is allowed."""

    host: str = "127.0.0.1"
    port: int = 0  #: 0 picks a free one
    field: str = "listen"  #: the setting that says so
    certificate: Path | None = None  #: PEM chain
    private_key: Path | None = None  #: PEM
    is_shared: bool = False  #: with other processes, that hold the same port (see `reserved_port`)

    @property
    def is_encrypted(self) -> bool:
        """Does the traffic go through TLS?"""
        return self.certificate is not None and self.private_key is not None


def server_tls(certificate: Path | None, private_key: Path | None) -> ssl.SSLContext | None:
    """Return how a door of HTTP is encrypted (TLS 1.3), None where it is not.

    Each handshake looks whether another certificate lies there by now.
    """
    if certificate is None or private_key is None:
        return None
    shown, context = ShownPair(certificate, private_key), _tls_of(certificate, private_key)
    newest = context

    def hello(handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        nonlocal newest
        if shown.renewed() is not None:
            with suppress(OSError):  # replaced once more while it was read; an SSLError is one
                newest = _tls_of(certificate, private_key)
        handshake.context = newest

    context.sni_callback = hello
    return context


def _tls_of(certificate: Path, private_key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, private_key)
    return context


def check_listen(listen: Listen) -> None:
    """Raise InvalidField when the address is taken now or would carry plain text: told before anything is started."""
    if not listen.is_encrypted and not is_loopback(listen.host):
        raise InvalidField(
            f"{listen.host} is not this machine, and without a certificate its traffic could be read",
            field=listen.field,
            hint="give --tls-certificate and --tls-key, or listen on 127.0.0.1",
        )
    if listen.port and not listen.is_shared and not _is_free(listen):
        raise address_taken(listen)


def _is_free(listen: Listen) -> bool:
    """Can one of the addresses be bound, as gRPC would? Nothing listens there afterwards."""
    try:
        found = socket.getaddrinfo(
            listen.host.strip("[]"), listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError:
        return False
    for family, kind, protocol, _, address in found:
        with suppress(OSError), socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return True
    return False


def take_socket(listen: Listen) -> socket.socket:
    """Return a bound socket that does not listen yet. Raises InvalidField as `check_listen` does."""
    check_listen(listen)
    taken, address = _unbound(listen)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listen.is_shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(address)
    except OSError as reason:
        taken.close()
        raise address_taken(listen) from reason
    return taken


def _unbound(listen: Listen) -> tuple[socket.socket, tuple[str | int | bytes, ...]]:
    """Return a socket of the right family, and the address to bind it to."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host.strip("[]"), listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as reason:
        raise address_taken(listen) from reason
    return socket.socket(family, kind, protocol), address


@contextmanager
def reserved_port(listen: Listen) -> Iterator[int]:
    """Take the port for processes that will share it, without listening; yield it. Raises InvalidField as `bind` does.

    While it is held nobody else gets it, even when none of those processes lives.
    """
    check_listen(listen)
    if not sys.platform.startswith("linux"):
        raise InvalidField("only Linux spreads connections over processes", field="processes", hint="--processes 1")
    holder, address = _unbound(listen)
    with holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            holder.bind(address)
        except OSError as reason:
            raise address_taken(listen) from reason
        yield holder.getsockname()[1]


def address_taken(listen: Listen) -> InvalidField:
    return InvalidField(
        f"cannot listen on {listen.host}:{listen.port}", field=listen.field, hint="is another gateway running there?"
    )
