"""Sign-In with Ethereum (EIP-4361): the message that a wallet signs, and what must be right about it.

It is read by its grammar and by nothing else: what does not fit to the last character is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.errors import BadToken, MalformedMessage, TokenExpired, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.moments import moment_text, parse_moment
from proofgrid.primitives.signatures import parse_address

MESSAGE_CHARS_MAX = 4_096
NONCE_MS = 300_000  #: so long a nonce is good, and a message after it was issued
SESSION_MS = 3_600_000
CLOCKS_DIFFER_MS = 10_000
SCHEMES = ("http", "https")  #: what encrypts may stand in front of the gateway
COOKIE = "proofgrid_session"
CSRF_HEADER = "x-csrf-token"
SESSION_PREFIX = "pgs_"  #: of what a door makes of the cookie

_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+"
_MESSAGE = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<domain>[A-Za-z0-9.\-_~:\[\]%]{1,255})"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9a-fA-F]{40})\n\n"
    r"(?:(?P<statement>[ !#-;=?-\[\]_a-z~@A-Z0-9'\"]+)\n)?\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: 1\n"
    r"Chain ID: (?P<chain>[0-9]{1,18})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,256})\n"
    r"Issued At: (?P<issued>[^\n]{1,40})"
    r"(?:\nExpiration Time: (?P<expires>[^\n]{1,40}))?"
    r"(?:\nNot Before: (?P<begins>[^\n]{1,40}))?"
    r"(?:\nRequest ID: [A-Za-z0-9._~!$&'()*+,;=:@%-]*)?"
    rf"(?:\nResources:(?:\n- {_URI})*)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMessage:
    """What a wallet signed. Times are milliseconds since the epoch."""

    domain: str  #: host, and port where it is not the scheme's own
    address: Address
    uri: str
    nonce: str
    issued_ms: int
    begins_ms: int | None
    expires_ms: int | None


def read_sign_in(text: str) -> SignInMessage:
    """Return what a message says. Raises MalformedMessage or InvalidField, naming the field."""
    found = _MESSAGE.fullmatch(text) if len(text) <= MESSAGE_CHARS_MAX else None
    if found is None:
        raise MalformedMessage("not a message of EIP-4361", field="message", hint="POST /v1/sign-in/nonce says how")
    address = found["address"]
    if parse_address(address, field="message.address") != address:
        raise MalformedMessage("the address is spelled by EIP-55, capitals and all", field="message.address")
    optional = {name: found[name] for name in ("begins", "expires")}
    moments = {name: text and parse_moment(text, field=f"message.{name}") for name, text in optional.items()}
    return SignInMessage(
        domain=found["domain"],
        address=Address(address),
        uri=found["uri"],
        nonce=found["nonce"],
        issued_ms=parse_moment(found["issued"], field="message.issued_at"),
        begins_ms=moments["begins"] or None,
        expires_ms=moments["expires"] or None,
    )


def check_sign_in(message: SignInMessage, *, domain: str, now_ms: int) -> None:
    """Raise WrongAudience or TokenExpired where a message is for another place or another time.

    `domain`: under which its sender speaks to us, which is known to be ours.
    """
    if message.domain != domain:
        raise WrongAudience(f"the message is for {message.domain}, this is {domain}", field="message.domain")
    if not any(message.uri == f"{one}://{domain}" or message.uri.startswith(f"{one}://{domain}/") for one in SCHEMES):
        raise WrongAudience(f"the URI is not of {domain}", field="message.uri")
    begins = max(message.issued_ms, message.begins_ms or 0)
    if not begins - CLOCKS_DIFFER_MS <= now_ms < message.issued_ms + NONCE_MS:
        raise TokenExpired("the message was issued too long ago, or is not good yet", field="message.issued_at")
    if message.expires_ms is not None and now_ms >= message.expires_ms:
        raise TokenExpired("the message has expired", field="message.expiration_time")


def spell_sign_in(*, domain: str, scheme: str, address: Address, network: Address, nonce: str, now_ms: int) -> str:
    """Return the message to sign."""
    return (
        f"{domain} wants you to sign in with your Ethereum account:\n{address}\n\n"
        f"Sign in to the proofgrid network {network}.\n\n"
        f"URI: {scheme}://{domain}/\nVersion: 1\nChain ID: 1\nNonce: {nonce}\nIssued At: {moment_text(now_ms)}"
    )


def csrf_of(session: str) -> str:
    """Return what requests of a session that change something bring along: who has the cookie only cannot know it."""
    return digest_of(f"csrf {session}".encode())[:32]


def session_text(address: Address, *, expires_ms: int, session_id: str) -> str:
    """Return what is signed of a session."""
    return f"{address[2:].lower()}.{expires_ms}.{session_id}"


def read_session(text: str) -> tuple[Address, int, str]:
    """Return address, end and id of a session's text. Raises BadToken."""
    address, _, rest = text.partition(".")
    expires, _, session_id = rest.partition(".")
    if not (re.fullmatch(r"[0-9a-f]{40}", address) and re.fullmatch(r"[0-9]{1,18}", expires) and session_id):
        raise BadToken("this is no session", hint="sign in again")
    return parse_address(f"0x{address}"), int(expires), session_id
