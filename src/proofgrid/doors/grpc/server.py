"""The gRPC server: services behind one port, encrypted unless it stays on this machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import grpc
import structlog

from proofgrid.doors.services.certificates import ShownPair
from proofgrid.doors.services.listening import Listen, address_taken, check_listen
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.tls import is_tls_1_3_only
from proofgrid.rules.identity.network_keys import NoSigningKey

MESSAGE_BYTES_MAX = 16 << 20
METADATA_BYTES_MAX = 16 << 10  #: headers of a call: a token has 2 KiB at most
STREAMS_MAX = 4_096  #: of one connection
HANDSHAKE_MS = 10_000  #: a connection that says nothing, or half of what it should, is ended after this
IDLE_CONNECTION_MS = 300_000  #: one without calls as well: who needs it again makes it again

log = structlog.get_logger(__name__)


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


def bind(server: grpc.aio.Server, listen: Listen) -> int:
    """Bind the port and return it. Raises InvalidField when the address is taken or would carry plain text."""
    check_listen(listen)
    where = f"{listen.host}:{listen.port}"
    try:
        if listen.certificate is not None and listen.private_key is not None:
            if not is_tls_1_3_only():
                log.warning(
                    "tls_1_2_possible", hint="start it with `proofgrid gateway`, or unset GRPC_SSL_CIPHER_SUITES"
                )
            port = server.add_secure_port(where, _credentials(ShownPair(listen.certificate, listen.private_key)))
        else:
            port = server.add_insecure_port(where)
    except RuntimeError:
        port = 0
    if port == 0:
        raise address_taken(listen)
    return port


def _credentials(shown: ShownPair, roots: Callable[[], bytes] | None = None) -> grpc.ServerCredentials:
    """Return what a port shows, looked at again at each handshake. `roots`: who calls must show one of these."""
    believed = None if roots is None else roots()

    def configuration() -> grpc.ServerCertificateConfiguration:
        pair = (shown.pair.private_key, shown.pair.chain)
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=believed)

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal believed
        now = believed
        if roots is not None:
            with suppress(NoSigningKey):  # who shows one of before is let in, and refused by the stream
                now = roots()
        if shown.renewed() is None and now == believed:
            return None
        believed = now
        return configuration()

    fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", changed)  # its stub forgets None: as before
    return grpc.dynamic_ssl_server_credentials(configuration(), fetch, require_client_authentication=roots is not None)


def bind_for_provers(server: grpc.aio.Server, listen: Listen, roots: Callable[[], bytes]) -> int:
    """Bind a port at which callers show a certificate, and return it. Raises InvalidField as `bind` does.

    `roots`: the certificates (PEM) that are believed, asked for at each handshake, on threads of gRPC.
    """
    check_listen(listen)
    if listen.certificate is None or listen.private_key is None:
        raise InvalidField(
            "a gateway that asks for certificates shows one itself",
            field=listen.field,
            hint="--tls-certificate, --tls-key",
        )
    shown = ShownPair(listen.certificate, listen.private_key)
    try:
        port = server.add_secure_port(f"{listen.host}:{listen.port}", _credentials(shown, roots))
    except RuntimeError:
        port = 0
    if port == 0:
        raise address_taken(listen)
    return port
