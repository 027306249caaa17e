"""Certificates for provers: who gets one, and what one that a stream came with is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from proofgrid.primitives.certificates import (
    LIFETIME_MS,
    Authority,
    Certified,
    Certifier,
    certified_by,
    request_statement,
)
from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.distant import DistantSigner, in_turn_of
from proofgrid.primitives.errors import InvalidField, NotAllowed
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey, signer_of
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys, NoSigningKey

SERIAL_BYTES = 16

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverCertificate:
    """What a prover connects with, and where."""

    certificate: bytes  #: PEM; empty: none is asked for here
    ends_ms: int
    port: int  #: of this gateway, for streams with certificates; 0: they come where clients do


class Certificates:
    """`port` is known once the gateway listens; 0: no certificates are asked for."""

    def __init__(self, keys: NetworkKeys, clock: Clock, *, lifetime_ms: int = LIFETIME_MS) -> None:
        self._keys = keys
        self._clock = clock
        self._lifetime_ms = lifetime_ms
        self._derived: dict[Address, Certifier] = {}
        self.port = 0

    @needs(Role.OPERATOR, once=True)
    async def certify(self, caller: Caller, request: bytes, signature: str) -> ProverCertificate:
        """Return a certificate for the key of a request that the caller's key signed; raise InvalidField if not."""
        if not self.port:
            return ProverCertificate(certificate=b"", ends_ms=0, port=0)
        if signer_of(request_statement(self._keys.network, request), signature) != caller.address:
            raise InvalidField(f"the request is not signed by {caller.address}", field="signature")
        signer, authority = self._signers[0], self.authorities[0]
        certify = partial(
            authority.certify,
            request,
            caller.address,
            serial=int.from_bytes(fresh_bytes(SERIAL_BYTES), "big") >> 1 or 1,
            now_ms=self._clock.now_ms(),
            lifetime_ms=self._lifetime_ms,
        )
        certificate, ends_ms = await in_turn_of(signer, certify)
        log.info("prover_certified", operator=caller.address, ends_ms=ends_ms)
        return ProverCertificate(certificate=certificate, ends_ms=ends_ms, port=self.port)

    @property
    def authorities(self) -> Sequence[Certifier]:
        """Those whose certificates count now, the one that certifies first. Raises NoSigningKey where none is here."""
        return [self._authority(one) for one in self._signers]

    @property
    def _signers(self) -> Sequence[SigningKey | DistantSigner]:
        """The keys that they follow from."""
        named = self._keys.named
        signers = [
            one
            for one in self._keys.all_for(Purpose.CERTIFICATES)
            if (isinstance(one, SigningKey) or (isinstance(one, DistantSigner) and one.has_secret))
            and named.may_sign(one.address, Purpose.CERTIFICATES)
        ]
        if not signers:
            raise NoSigningKey(
                "no key for certificates that lies in a file is on this gateway",
                field="keys",
                hint="proofgrid admin keys rotate certificates",
            )
        return signers

    @property
    def roots(self) -> bytes:
        """What TLS believes: the authorities' own certificates (PEM)."""
        return b"".join(one.pem for one in self.authorities)

    def check(self, shown: bytes | None, operator: Address) -> Certified | None:
        """Return what the certificate of an operator's stream says; None: none is asked for.

        Raises NotAllowed for a stream without one, or with one that is not the operator's or does not count now.
        """
        if not self.port:
            return None
        if shown is None:
            raise NotAllowed(
                "provers connect with a certificate of the network", field="certificate", hint=f"at port {self.port}"
            )
        found = certified_by(self.authorities, shown, now_ms=self._clock.now_ms())
        if found is None:
            raise NotAllowed("the certificate is none of this network's that counts now", field="certificate")
        if found.operator != operator:
            raise NotAllowed(f"the certificate is {found.operator}'s, the stream {operator}'s", field="certificate")
        return found

    def seconds_left(self, found: Certified) -> float:
        """Return for how long a stream with this certificate may go on."""
        return max(0, found.ends_ms - self._clock.now_ms()) / 1_000

    def _authority(self, signer: SigningKey | DistantSigner) -> Certifier:
        if signer.address not in self._derived:
            network = self._keys.network
            self._derived[signer.address] = (
                signer.authority(network)
                if isinstance(signer, DistantSigner)
                else Authority.derived(signer.secret, network=network, signer=signer.address)
            )
        return self._derived[signer.address]
