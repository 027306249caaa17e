"""Does a gateway serve? The standard question of gRPC, without a key."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from proofgrid.primitives.errors import Unavailable
from proofgrid.sdk.connection import OPTIONS, channel_credentials
from proofgrid.wire.addresses import Target
from proofgrid.wire.errors import read_error, said_error

ANSWER_SECONDS = 10.0
_NAMES = ("DNS", "IP Address")


async def check_health(target: Target, *, certificate: Path | None = None) -> None:
    """Return when the gateway serves; raise Unavailable, with its reason, when it does not, or is not there.

    `certificate`: the gateway's own, where it speaks TLS; whatever name is in it is right.
    """
    options: list[tuple[str, int | str]] = list(OPTIONS)
    credentials = channel_credentials(target, certificate) if certificate is not None else None
    if certificate is not None:
        options.append(("grpc.ssl_target_name_override", await _name_of(target, certificate)))
    async with (
        grpc.aio.secure_channel(target.address, credentials, options=options)
        if credentials is not None
        else grpc.aio.insecure_channel(target.address, options=options)
    ) as channel:
        ask = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        call = ask(health_pb2.HealthCheckRequest(), timeout=ANSWER_SECONDS)
        try:
            answer = await call
        except grpc.RpcError as error:
            raise read_error(error) from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            said = said_error(await call.trailing_metadata())
            reason = said.detail if said is not None else "the gateway does not serve"
            raise Unavailable(reason, hint="see the log of the gateway")


async def _name_of(target: Target, certificate: Path) -> str:
    """Return a name in the certificate that the gateway shows, which must be this one."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["h2"])
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"{target}: {error or type(error).__name__}") from None
    names = (writer.get_extra_info("peercert") or {}).get("subjectAltName", ())
    writer.close()
    return next((value for kind, value in names if kind in _NAMES), target.host)
