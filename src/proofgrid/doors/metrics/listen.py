"""Where metrics are read, and by whom: everybody on this machine; from elsewhere with a token, unless set open."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.wire.addresses import is_loopback

PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsListen:
    """`token`: who sends it may read; empty: everybody may. With a certificate TLS is spoken."""

    host: str
    port: int  #: 0: a free one
    token: str = field(default="", repr=False)
    certificate: Path | None = None
    private_key: Path | None = None

    def lets_in(self, authorization: str) -> bool:
        """May whoever sends this header read?"""
        scheme, _, token = authorization.partition(" ")
        told = token.strip().encode() if scheme.lower() == "bearer" else b""
        return not self.token or hmac.compare_digest(told, self.token.encode())


def metrics_listen(
    address: str,
    *,
    token: str,
    is_open: bool,
    certificate: Path | None = None,
    private_key: Path | None = None,
) -> MetricsListen | None:
    """Return where metrics are read, None where nowhere.

    Raises InvalidField for an address beyond this machine that anybody could read, or with a token in plain text.
    """
    if not address:
        return None
    host, port = _host_and_port(address)
    if not is_loopback(host) and not is_open:
        if not token:
            raise InvalidField(
                f"{address} can be reached from elsewhere, and metrics are for nobody else",
                field="metrics",
                hint="set PROOFGRID_METRICS_TOKEN, or --metrics-open to let everybody read",
            )
        if certificate is None or private_key is None:
            raise InvalidField(
                f"without a certificate the token would go to {address} in plain text",
                field="metrics",
                hint="listen on 127.0.0.1, or --metrics-open where only those who may can reach it",
            )
    return MetricsListen(
        host=host, port=port, token="" if is_open else token, certificate=certificate, private_key=private_key
    )


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > PORT_MAX:
        raise InvalidField(f"{address!r} is no address to listen on", field="metrics", hint="like 127.0.0.1:9464")
    return host, int(port)
