"""Certificates of provers: whose they are, when they count, and what no stranger can make of them."""

from __future__ import annotations

import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import example, given
from hypothesis import strategies as st

from proofgrid.primitives.certificates import (
    LIFETIME_MS,
    REQUEST_BYTES_MAX,
    SKEW_MS,
    Authority,
    certified_by,
    name_of,
    new_request,
)
from proofgrid.primitives.errors import InvalidField
from tests.makers import NOW_MS, a_key

NETWORK, ONLINE, ALICE = a_key(2), a_key(21), a_key(5)
OURS = Authority.derived(ONLINE.secret, network=NETWORK.address, signer=ONLINE.address)
OTHER = Authority.derived(a_key(22).secret, network=NETWORK.address, signer=a_key(22).address)
REQUEST = new_request()[1]


def _certificate(authority: Authority = OURS, *, now_ms: int = NOW_MS) -> bytes:
    return authority.certify(REQUEST, ALICE.address, serial=7, now_ms=now_ms)[0]


def test_a_certificate_names_its_operator_for_a_day() -> None:
    made, ends_ms = OURS.certify(REQUEST, ALICE.address, serial=7, now_ms=NOW_MS)
    found = certified_by([OTHER, OURS], made, now_ms=NOW_MS)
    assert found is not None
    assert (found.operator, found.ends_ms, ends_ms) == (ALICE.address, NOW_MS + LIFETIME_MS, NOW_MS + LIFETIME_MS)
    shown = x509.load_pem_x509_certificate(made)
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [name_of(NETWORK.address, ALICE.address)]
    assert not shown.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_every_gateway_with_the_online_key_has_the_same_authority() -> None:
    again = Authority.derived(ONLINE.secret, network=NETWORK.address, signer=ONLINE.address)
    assert certified_by([again], _certificate(), now_ms=NOW_MS)
    assert str(ONLINE.secret.hex()) not in repr(OURS)


def test_it_counts_for_its_time_its_authority_and_its_network_only() -> None:
    made = _certificate()
    assert certified_by([OURS], made, now_ms=NOW_MS - SKEW_MS)
    assert not certified_by([OURS], made, now_ms=NOW_MS - SKEW_MS - 1_000)
    assert not certified_by([OURS], made, now_ms=NOW_MS + LIFETIME_MS)
    assert not certified_by([OTHER], made, now_ms=NOW_MS)
    assert not certified_by([], made, now_ms=NOW_MS)
    elsewhere = Authority(a_key(9).address, ONLINE.address, OURS.key)  # the same key, spoken for another network
    assert not certified_by([elsewhere], made, now_ms=NOW_MS)


def test_nobody_makes_a_certificate_of_a_certificate() -> None:
    secret, request = new_request()
    held = OURS.certify(request, ALICE.address, serial=7, now_ms=NOW_MS)[0]
    key = serialization.load_pem_private_key(secret, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.load_pem_x509_certificate(held).subject)
        .public_key(key.public_key())
        .serial_number(8)
        .not_valid_before(x509.load_pem_x509_certificate(held).not_valid_before_utc)
        .not_valid_after(x509.load_pem_x509_certificate(held).not_valid_after_utc)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name_of(NETWORK.address, a_key(6).address))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert certified_by([OURS], forged, now_ms=NOW_MS) is None
    assert certified_by([OURS], forged + held, now_ms=NOW_MS) is None
    assert certified_by([OURS], OURS.pem, now_ms=NOW_MS) is None


def _request_of(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"\xff" * 100,
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        REQUEST + b" " * REQUEST_BYTES_MAX,
        _request_of(ed25519.Ed25519PrivateKey.generate()),
        _request_of(ec.generate_private_key(ec.SECP384R1())),
    ],
)
def test_what_is_no_request_of_a_p256_key_is_refused(request_: bytes) -> None:
    with pytest.raises(InvalidField) as refusal:
        OURS.certify(request_, ALICE.address, serial=7, now_ms=NOW_MS)
    assert refusal.value.field == "request"


# A later cryptography refuses what it warns of today, like a serial number that is negative.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(st.integers(0, 10_000), st.integers(0, 255))
@example(44, 66)  # a version that X.509 has not
def test_no_byte_of_a_certificate_or_a_request_can_be_another(place: int, value: int) -> None:
    for content in (_PLAIN, REQUEST):
        changed = bytearray(content)
        changed[place % len(content)] = value
        if content is REQUEST:
            with contextlib.suppress(InvalidField):
                OURS.certify(bytes(changed), ALICE.address, serial=7, now_ms=NOW_MS)
        else:
            found = certified_by([OURS], bytes(changed), now_ms=NOW_MS)
            assert found is None or found.operator == ALICE.address


_PLAIN = _certificate()
