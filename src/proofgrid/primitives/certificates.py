"""The network's certificates for provers: a small authority, requests, and whose a certificate is.

The authority's key (P-256, which TLS libraries know) follows from an online key of the network, so that every gateway
has it and there is no second file. A certificate names its operator by a URI in the manner of SPIFFE:
spiffe://<network>/operator/<address>.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import parse_address

PURPOSE = b"proofgrid certificates of provers, version 1"
LIFETIME_MS = 24 * 3_600 * 1_000
SKEW_MS = 300_000  #: so much may clocks differ
REQUEST_BYTES_MAX = 4_096
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FOR_EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))  # it ends with its online key


class Certifier(Protocol):
    """Who certifies the operators of a network, wherever the private key lies."""

    @property
    def network(self) -> Address: ...

    @property
    def signer(self) -> Address:
        """The online key that it follows from."""
        ...

    @property
    def certificate(self) -> x509.Certificate:
        """Its own, signed by itself."""
        ...

    @property
    def pem(self) -> bytes: ...

    def certify(
        self, request: bytes, operator: Address, *, serial: int, now_ms: int, lifetime_ms: int = LIFETIME_MS
    ) -> tuple[bytes, int]:
        """Return the certificate (PEM) of an operator for the key of a request, and when it ends.

        Raises InvalidField for what is no request that its own key signed.
        """
        ...


@dataclass(frozen=True)
class Authority:
    """A Certifier whose key is here. Its repr shows names only."""

    network: Address
    signer: Address  #: the online key that it follows from
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def derived(cls, secret: bytes, *, network: Address, signer: Address) -> Authority:
        """Return the authority that follows from an online key's secret."""
        number = int.from_bytes(HKDF(hashes.SHA256(), 48, None, PURPOSE + network.encode()).derive(secret), "big")
        return cls(network, signer, ec.derive_private_key(1 + number % (_P256_ORDER - 1), ec.SECP256R1()))

    @cached_property
    def certificate(self) -> x509.Certificate:
        """Its own, signed by itself."""
        name = _name(f"proofgrid {self.signer}")
        builder = _builder(name, name, self.key.public_key(), serial=1, valid=_FOR_EVER)
        return builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self.key, hashes.SHA256()
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def certify(
        self, request: bytes, operator: Address, *, serial: int, now_ms: int, lifetime_ms: int = LIFETIME_MS
    ) -> tuple[bytes, int]:
        """See Certifier."""
        return self.issue(requested_key(request), operator, serial=serial, now_ms=now_ms, lifetime_ms=lifetime_ms)

    def issue(
        self, point: bytes, operator: Address, *, serial: int, now_ms: int, lifetime_ms: int
    ) -> tuple[bytes, int]:
        """Return the certificate (PEM) of an operator for a public key, and when it ends; ValueError for no point."""
        ends_ms = now_ms + lifetime_ms
        valid = (_time(now_ms - SKEW_MS), _time(ends_ms))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        builder = _builder(_name(operator), self.certificate.subject, key, serial=serial, valid=valid)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name_of(self.network, operator))]),
                critical=False,
            )
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM), ends_ms

    def __repr__(self) -> str:
        return f"Authority({self.network}, {self.signer})"


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate says of who shows it."""

    operator: Address
    ends_ms: int


def name_of(network: Address, operator: Address) -> str:
    """Return an operator's name in certificates."""
    return f"spiffe://{network.lower()}/operator/{operator.lower()}"


def new_request() -> tuple[bytes, bytes]:
    """Return a fresh private key (PEM) and the request (PEM) for its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret, request.public_bytes(serialization.Encoding.PEM)


def requested_key(request: bytes) -> bytes:
    """Return the public key of a request (PEM), a point of P-256 in 65 bytes.

    Raises InvalidField for what is no request that its own key signed.
    """
    if len(request) > REQUEST_BYTES_MAX:
        raise InvalidField(f"a request has at most {REQUEST_BYTES_MAX} bytes", field="request")
    try:
        asked = x509.load_pem_x509_csr(request)
        is_signed = asked.is_signature_valid
        key = asked.public_key()
    except Exception:  # whatever its packages say of bytes of strangers
        raise InvalidField("this is no PKCS#10 request (PEM)", field="request") from None
    if not is_signed:
        raise InvalidField("the request is not signed by its own key", field="request")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidField("keys of certificates are of P-256", field="request")
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def request_statement(network: Address, request: bytes) -> bytes:
    """What an operator's key signs, so that nobody else's request gets a certificate of its name."""
    return f"proofgrid certificate of a prover 1 {network} {digest_of(request)}".encode()


def certified_by(authorities: Sequence[Certifier], certificate: bytes, *, now_ms: int) -> Certified | None:
    """Return whose a certificate (PEM) is, or None: of no authority here, not valid now, or without such a name."""
    try:
        shown = x509.load_pem_x509_certificate(certificate)
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except Exception:  # whatever its packages say of bytes of strangers
        return None
    issuer = _issuer(authorities, shown)
    if issuer is None or not shown.not_valid_before_utc <= _time(now_ms) < shown.not_valid_after_utc:
        return None
    head, _, spelled = "".join(uris).rpartition("/")
    if len(uris) != 1 or head != f"spiffe://{issuer.network.lower()}/operator":
        return None
    try:
        operator = parse_address(spelled)
    except InvalidField:
        return None
    return Certified(operator, int(shown.not_valid_after_utc.timestamp() * 1_000))


def _issuer(authorities: Iterable[Certifier], shown: x509.Certificate) -> Certifier | None:
    return next((one for one in authorities if _has_issued(one, shown)), None)


def _has_issued(authority: Certifier, shown: x509.Certificate) -> bool:
    try:
        shown.verify_directly_issued_by(authority.certificate)
    except Exception:  # a wrong name, a wrong signature, an algorithm that it does not know
        return False
    return True


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    serial: int,
    valid: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _time(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
