"""The certificate that a prover connects with: asked for anew for each stream, with a key that never leaves memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import grpc

from proofgrid.primitives.certificates import new_request, request_statement
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.sdk.connection import read_roots
from proofgrid.sdk.tokens import bearing, make_token, purpose_of
from proofgrid.wire.addresses import Target
from proofgrid.wire.v1 import keys_pb2

CERTIFY_PATH = "/proofgrid.v1.KeyService/CertifyProver"
TIMEOUT_SECONDS = 10.0
RENEW_AFTER = 2 / 3  #: of its life


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCertificate:
    """What a prover shows, and where. Its repr has no key."""

    address: str  #: host:port
    certificate: bytes
    secret: bytes
    renew_seconds: float  #: from now on it is good for half as long again

    def credentials(self, ca_file: Path | None) -> grpc.ChannelCredentials:
        """Return the TLS credentials of a stream. Raises InvalidField for a file of roots that cannot be read."""
        return grpc.ssl_channel_credentials(
            root_certificates=read_roots(ca_file), private_key=self.secret, certificate_chain=self.certificate
        )

    def __repr__(self) -> str:
        return f"ShownCertificate({self.address})"


def fetch_certificate(
    channel: grpc.Channel, key: Signer, network: Address, target: Target, *, clock: Clock
) -> ShownCertificate | None:
    """Return a fresh certificate for the gateway of a channel, None where it asks for none; blocks.

    Raises grpc.RpcError when it is refused. A gateway of the release before knows no certificates.
    """
    secret, request = new_request()
    message = keys_pb2.CertifyProverRequest(
        request=request, signature=key.sign(request_statement(network, request))
    ).SerializeToString()
    purpose = purpose_of(CERTIFY_PATH, message, gateway=target.name)
    token = make_token(key, network=network, purpose=purpose, now_ms=clock.now_ms())
    certify: grpc.UnaryUnaryMultiCallable[bytes, keys_pb2.ProverCertificate] = channel.unary_unary(
        CERTIFY_PATH, response_deserializer=keys_pb2.ProverCertificate.FromString
    )
    try:
        answer = certify(message, metadata=bearing(token), timeout=TIMEOUT_SECONDS)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return None
        raise
    if not answer.port:
        return None
    life_seconds = max(0, answer.ends_ms - clock.now_ms()) / 1_000
    return ShownCertificate(
        address=replace(target, port=answer.port).address,
        certificate=answer.certificate,
        secret=secret,
        renew_seconds=RENEW_AFTER * life_seconds,
    )
