"""A connection to a gateway: the channel, the token on every call, our errors instead of gRPC's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc

from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.errors import BadToken, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey, parse_address
from proofgrid.sdk.tokens import TokenSource
from proofgrid.wire.addresses import Target, parse_target
from proofgrid.wire.errors import read_error
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import client_pb2_grpc as services

CALL_TIMEOUT_SECONDS = 60.0
OPTIONS = [
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
]


def channel_credentials(target: Target, ca_file: Path | None) -> grpc.ChannelCredentials | None:
    """Return the TLS credentials of a target, or None for plain text on this machine."""
    if not target.encrypted:
        return None
    try:
        roots = ca_file.read_bytes() if ca_file else None
    except OSError as error:
        raise InvalidField(f"{ca_file} cannot be read: {error.strerror}", field="tls_ca") from None
    return grpc.ssl_channel_credentials(root_certificates=roots)


class Connection:
    """One gateway, one key. Use as an async context manager."""

    def __init__(
        self,
        gateway: str,
        key: SigningKey | None,
        *,
        network: str | None = None,
        ca_file: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.target = parse_target(gateway)
        self.key = key
        self._tokens = TokenSource(key, clock or SystemClock()) if key is not None else None
        self._network: Address | None = parse_address(network, field="network") if network else None
        credentials = channel_credentials(self.target, ca_file)
        self.channel = (
            grpc.aio.secure_channel(self.target.address, credentials, options=OPTIONS)
            if credentials is not None
            else grpc.aio.insecure_channel(self.target.address, options=OPTIONS)
        )
        self.client = services.ClientServiceStub(self.channel)
        self.admin = services.AdminServiceStub(self.channel)
        self.artifacts = services.ArtifactServiceStub(self.channel)

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel."""
        await self.channel.close(None)

    async def network(self) -> Address:
        """Return the address of the network's key. A pinned one is not asked for."""
        if self._network is None:
            try:
                facts = await self.client.GetNetwork(messages.GetNetworkRequest(), timeout=CALL_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                raise read_error(error) from None
            self._network = parse_address(facts.address, field="network")
        return self._network

    async def metadata(self, *, single_use: bool = False) -> tuple[tuple[str, str], ...]:
        """Return the metadata that signs a call."""
        if self._tokens is None:
            raise BadToken("this call needs a key", hint="give --key FILE, or make one: proofgrid keys new")
        network = await self.network()
        token = self._tokens.single_use(network) if single_use else self._tokens.token(network)
        return (("authorization", f"Bearer {token}"),)

    async def call(
        self, method: Callable[..., Any], request: Any, *, timeout: float | None = CALL_TIMEOUT_SECONDS
    ) -> Any:
        """Make a unary call; raise the ProofgridError that it was refused with, or Unavailable."""
        metadata = await self.metadata()
        try:
            return await method(request, metadata=metadata, timeout=timeout)
        except grpc.RpcError as error:
            raise read_error(error) from None

    async def stream(self, method: Callable[..., Any], request: Any) -> AsyncIterator[Any]:
        """Read a streaming call to its end, with the same errors."""
        metadata = await self.metadata()
        answers = method(request, metadata=metadata)
        try:
            async for answer in answers:
                yield answer
        except grpc.RpcError as error:
            raise read_error(error) from None
        finally:
            answers.cancel()
