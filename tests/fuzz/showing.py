"""What callers show to say who they are: certificates, requests for them, messages of wallets, sessions, API keys."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proofgrid.doors.services.listening import Listen
from proofgrid.doors.services.names import accepted_names
from proofgrid.primitives.certificates import Authority, certified_by, name_of
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import ProofgridError
from proofgrid.roles.intake.signing_in import Sessions
from proofgrid.rules.access.api_keys import (
    Scope,
    WantedKey,
    check_secret,
    check_wanted,
    hash_of,
    id_of,
    is_api_key,
    parse_key_id,
    parse_scopes,
    spell_key,
)
from proofgrid.rules.access.sign_in import NONCE_MS, check_sign_in, csrf_of, read_session, read_sign_in, spell_sign_in
from tests.fuzz.documents import scratch
from tests.fuzz.doors import World, run
from tests.fuzz.likely import CALLER, NETWORK, NOW_MS
from tests.fuzz.mutating import mutated_bytes
from tests.makers import a_key

AUTHORITY = Authority.derived(a_key(1).secret, network=NETWORK, signer=NETWORK)
_DAY = (datetime(2023, 11, 14, tzinfo=UTC), datetime(2023, 11, 16, tzinfo=UTC))  # NOW_MS lies in it

# --- certificates ---------------------------------------------------------------------------------


def take_certificate(data: bytes) -> None:
    """Take PEM as a request, as what a prover shows, and as a gateway's own chain."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of serial numbers below 1, which are somebody's all the same
        _take_pem(data)


def _take_pem(data: bytes) -> None:
    with suppress(ProofgridError):
        AUTHORITY.certify(data, CALLER.address, serial=1, now_ms=NOW_MS)
    certified_by([AUTHORITY], data, now_ms=NOW_MS)
    chain = scratch() / "chain.pem"
    chain.write_bytes(data)
    listen = Listen(host="10.0.0.1", certificate=chain, private_key=chain)
    accepted_names(listen, port=8443, told="")


@cache
def certificates() -> list[bytes]:
    """A request, a prover's certificate, one that it signed itself, and a chain with hosts."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    asked = request.sign(_leaf(), hashes.SHA256(), ecdsa_deterministic=True)
    operator = x509.UniformResourceIdentifier(name_of(NETWORK, CALLER.address))
    hosts = [x509.DNSName("gateway.example"), x509.DNSName("*.example")]
    shown, hostly = _certificate([operator], AUTHORITY.key), _certificate(hosts, AUTHORITY.key)
    return [
        asked.public_bytes(serialization.Encoding.PEM),
        shown,
        _certificate([operator], _leaf()),
        hostly + shown,
    ]


def _leaf() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(4_711, ec.SECP256R1())


def _certificate(names: Sequence[x509.GeneralName], signer: ec.EllipticCurvePrivateKey) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(AUTHORITY.certificate.subject)
        .public_key(_leaf().public_key())
        .serial_number(7)
        .not_valid_before(_DAY[0])
        .not_valid_after(_DAY[1])
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    signed = builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
    return signed.public_bytes(serialization.Encoding.PEM)


def mutated_pem(data: bytes, chance: Random) -> bytes:
    """Change what is inside of one of its blocks, or the text."""
    begins, ends = data.find(b"-----\n"), data.rfind(b"\n-----END")
    if chance.randrange(8) == 0 or not 0 <= begins < ends:
        return mutated_bytes(data, chance)
    try:
        inside = base64.b64decode(data[begins + 6 : ends])
    except ValueError:
        return mutated_bytes(data, chance)
    return data[: begins + 6] + base64.encodebytes(mutated_bytes(inside, chance)) + data[ends + 1 :]


# --- wallets --------------------------------------------------------------------------------------


_SESSIONS = Sessions(World(), ManualClock(NOW_MS))  # type: ignore[arg-type]  # stands for a database
_SESSIONS._secret = b"of the database"


def take_sign_in(data: bytes) -> None:
    """Read a message of EIP-4361; sign it as the wallet that it should be of, and sign in with it."""
    text = data.decode(errors="replace")
    with suppress(ProofgridError):
        check_sign_in(read_sign_in(text), domain="gateway.example", now_ms=NOW_MS)
    # Signing in waits for the database once all is read.
    run(_SESSIONS.sign_in(text, a_key(2).sign(text.encode()), domain="gateway.example"))


@cache
def messages() -> list[bytes]:
    """The one that we spell, and one with everything that the standard knows."""
    begins = f"{NOW_MS + NONCE_MS:016x}{'0' * 16}"
    nonce = begins + run(_SESSIONS._mac(f"nonce {begins}"))
    ours = spell_sign_in(
        domain="gateway.example", scheme="https", address=CALLER.address, network=NETWORK, nonce=nonce, now_ms=NOW_MS
    )
    more = "\nExpiration Time: 2033-11-14T22:13:20Z\nNot Before: 2023-11-14T22:13:10.5+00:00\nRequest ID: a%20b"
    return [one.encode() for one in (ours, f"https://{ours}{more}\nResources:\n- https://gateway.example/\n- a:b")]


SIGN_IN_WORDS = (
    *(b" wants you to sign in with your Ethereum account:\n", b"\nURI: ", b"\nVersion: 1", b"\nChain ID: "),
    *(b"\nNonce: ", b"\nIssued At: ", b"\nExpiration Time: ", b"\nNot Before: ", b"\nRequest ID: ", b"\nResources:"),
    *(b"\n- https://a", b"2023-11-14T22:13:20Z", b"9999-12-31T23:59:59.999999999+23:59", b"0001-01-01T00:00:00-23:59"),
    *("\u0663".encode(), b"\r\n", b"\n\n", b"%0a"),
)


# --- API keys and sessions ------------------------------------------------------------------------


def take_credential(data: bytes) -> None:
    """Read a text as an API key, as the name of one, as scopes, and as a browser's cookie."""
    text = data.decode(errors="replace")
    for read in (_api_key, _names, _cookie):
        with suppress(ProofgridError):
            read(text)


def _api_key(text: str) -> None:
    if is_api_key(text):
        id_of(text)
    check_secret(text, hash_of(_KEY))


def _names(text: str) -> None:
    with suppress(ProofgridError):
        parse_key_id(text)
    scopes = parse_scopes(text.split(" "))
    check_wanted(WantedKey(label=text, scopes=scopes, spend_per_day=1), now_ms=NOW_MS)


def _cookie(text: str) -> None:
    csrf_of(text)
    with suppress(ProofgridError):
        read_session(text)
    run(_SESSIONS.of(text))


_KEY = spell_key(bytes(8), bytes(32))[1]


@cache
def credentials() -> list[bytes]:
    """A key, its name, scopes, and a session."""
    session = f"{CALLER.address[2:].lower()}.{NOW_MS + 60_000}.{'5' * 32}"
    cookie = f"{session}.{run(_SESSIONS._mac(f'session {session}'))}"
    return [one.encode() for one in (_KEY, "0" * 16, " ".join(Scope), session, cookie)]


CREDENTIAL_WORDS = (b"pgk_", b"pgs_", b"_", b".", *(scope.value.encode() for scope in Scope))
