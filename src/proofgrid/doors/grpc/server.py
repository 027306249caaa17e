"""The gRPC server: services behind one port, encrypted unless it stays on this machine."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.wire.addresses import is_loopback

MESSAGE_BYTES_MAX = 16 << 20
METADATA_BYTES_MAX = 16 << 10  #: headers of a call: a token has 2 KiB at most
STREAMS_MAX = 4_096  #: of one connection
HANDSHAKE_MS = 10_000  #: a connection that says nothing, or half of what it should, is ended after this
IDLE_CONNECTION_MS = 300_000  #: one without calls as well: who needs it again makes it again

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where the gateway listens. Without a certificate only the loopback is allowed."""

    host: str = "127.0.0.1"
    port: int = 0  #: 0 picks a free one
    certificate: Path | None = None  #: PEM chain
    private_key: Path | None = None  #: PEM
    is_shared: bool = False  #: with other processes, that hold the same port (see `reserved_port`)

    @property
    def is_encrypted(self) -> bool:
        """Does the traffic go through TLS?"""
        return self.certificate is not None and self.private_key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcDoor:
    """A server whose port is taken; it accepts calls once it is opened."""

    server: grpc.aio.Server
    host: str
    port: int  #: 0: nobody calls this gateway

    @property
    def address(self) -> str:
        """host:port, or empty."""
        return f"{self.host}:{self.port}" if self.port else ""

    async def open(self) -> None:
        """Accept calls from now on."""
        if self.port:
            await self.server.start()

    async def close(self, *, grace_seconds: float) -> None:
        """Accept no more calls; those under way may take so long. Closing twice is no mistake."""
        await self.server.stop(grace_seconds)


def new_server(*, shares_port: bool = False) -> grpc.aio.Server:
    """Return a server with bounds on messages and streams, and keepalive against half-open connections."""
    return grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
            ("grpc.max_concurrent_streams", STREAMS_MAX),
            ("grpc.max_metadata_size", METADATA_BYTES_MAX),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.keepalive_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
            ("grpc.max_connection_idle_ms", IDLE_CONNECTION_MS),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
            # A second gateway on the same port would steal half of the calls; siblings are to.
            ("grpc.so_reuseport", int(shares_port)),
        ]
    )


def check_listen(listen: Listen) -> None:
    """Raise InvalidField when the address is taken now or would carry plain text: told before anything is started."""
    if not listen.is_encrypted and not is_loopback(listen.host):
        raise InvalidField(
            f"{listen.host} is not this machine, and without a certificate its traffic could be read",
            field="listen",
            hint="give --tls-certificate and --tls-key, or listen on 127.0.0.1",
        )
    if listen.port and not listen.is_shared and not _is_free(listen):
        raise _taken(listen)


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


@contextmanager
def reserved_port(listen: Listen) -> Iterator[int]:
    """Take the port for processes that will share it, without listening; yield it. Raises InvalidField as `bind` does.

    While it is held nobody else gets it, even when none of those processes lives.
    """
    check_listen(listen)
    if not sys.platform.startswith("linux"):
        raise InvalidField("only Linux spreads connections over processes", field="processes", hint="--processes 1")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listen.host.strip("[]"), listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        holder = socket.socket(family, kind, protocol)
    except OSError as reason:
        raise _taken(listen) from reason
    with holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            holder.bind(address)
        except OSError as reason:
            raise _taken(listen) from reason
        yield holder.getsockname()[1]


def bind(server: grpc.aio.Server, listen: Listen) -> int:
    """Bind the port and return it. Raises InvalidField when the address is taken or would carry plain text."""
    check_listen(listen)
    where = f"{listen.host}:{listen.port}"
    try:
        if listen.certificate is not None and listen.private_key is not None:
            pair = (listen.private_key.read_bytes(), listen.certificate.read_bytes())
            port = server.add_secure_port(where, grpc.ssl_server_credentials([pair]))
        else:
            port = server.add_insecure_port(where)
    except RuntimeError:
        port = 0
    if port == 0:
        raise _taken(listen)
    return port


def _taken(listen: Listen) -> InvalidField:
    return InvalidField(
        f"cannot listen on {listen.host}:{listen.port}", field="listen", hint="is another gateway running there?"
    )
