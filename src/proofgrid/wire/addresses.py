"""Addresses of gateways: grpcs://host:port is encrypted; grpc://host:port is plain and only for this machine."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from proofgrid.primitives.errors import InvalidField

DEFAULT_PORT = 7400
LOCALHOST = "localhost"
LOCAL_HOSTS = ("127.0.0.1", "::1")  #: what `localhost` may stand for


@dataclass(frozen=True, slots=True)
class Target:
    """Where a gateway is reached."""

    host: str
    port: int
    encrypted: bool

    @property
    def address(self) -> str:
        """host:port, as gRPC wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def name(self) -> str:
        """By which name tokens are bound to the gateway there (rules/access/tokens.py)."""
        return gateway_name(self.host, self.port, encrypted=self.encrypted)

    def __str__(self) -> str:
        return f"{'grpcs' if self.encrypted else 'grpc'}://{self.address}"


def parse_target(text: str, *, field: str = "gateway") -> Target:
    """Return the target that `text` names: grpc://…, grpcs://…, or host:port (plain on loopback, encrypted elsewhere).

    Raises InvalidField for anything else, and for plain text to another machine.
    """
    parts = urlsplit(text if "://" in text else f"//{text}")
    try:
        port = parts.port or DEFAULT_PORT
    except ValueError:
        raise InvalidField("the port is a number up to 65535", field=field) from None
    if not parts.hostname or parts.scheme not in ("", "grpc", "grpcs") or parts.path not in ("", "/"):
        raise InvalidField(
            f"{text!r} is no gateway address", field=field, hint=f"like grpcs://gateway.example:{DEFAULT_PORT}"
        )
    local = is_loopback(parts.hostname)
    if parts.scheme == "grpc" and not local:
        raise InvalidField("grpc:// is plain text and only for this machine", field=field, hint="use grpcs://")
    return Target(parts.hostname, port, encrypted=parts.scheme == "grpcs" or (parts.scheme == "" and not local))


def gateway_name(host: str, port: int, *, encrypted: bool) -> str:
    """Return the one spelling of how a caller knows that it speaks to this gateway and no other.

    Encrypted: the host that its certificate names, whatever the port. Plain, on this machine: host and port, as the
    machine alone says who has them.
    """
    host = host.strip("[]").rstrip(".").lower()
    with suppress(ValueError):
        host = str(ipaddress.ip_address(host))
    return host if encrypted else Target(host, port, encrypted=False).address


def loopback_names(host: str, port: int) -> frozenset[str]:
    """Return the names of a gateway that listens on this machine alone: `localhost` is what most people write."""
    hosts = {host, *(LOCAL_HOSTS if host == LOCALHOST else {LOCALHOST} if host in LOCAL_HOSTS else ())}
    return frozenset(gateway_name(one, port, encrypted=False) for one in hosts)


def is_loopback(host: str) -> bool:
    """Say whether traffic to `host` never leaves this machine."""
    if host == LOCALHOST:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def peer_host(peer: str) -> str:
    """Return the machine of what gRPC calls a caller's address, without its port; of IPv6 the network of 64 bits."""
    return host_of(peer_address(peer).rpartition(":")[0].strip("[]"))


def host_of(spelled: str) -> str:
    """Return the machine that an address is of; of IPv6 the network of 64 bits."""
    address = _parsed(spelled)
    if address is None or address.version == 4:
        return str(address or spelled)
    # Whoever has one address of such a network has all of them.
    return str(ipaddress.ip_network((address, 64), strict=False))


def own_spelling(spelled: str) -> str:
    """Return an address as itself where it is one of IPv4 in IPv6's clothes."""
    return str(_parsed(spelled) or spelled)


def _parsed(spelled: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address, of IPv4 in IPv6's clothes as itself: all of those share one network of 64; None for others."""
    try:
        address = ipaddress.ip_address(spelled.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def peer_address(peer: str) -> str:
    """Return how people write what gRPC calls a caller's address: `ipv4:10.0.0.5:4711`, `ipv6:%5B::1%5D:4711`."""
    kind, _, rest = unquote(peer).partition(":")
    return rest if kind in ("ipv4", "ipv6") else unquote(peer)
