"""The short-lived token that a call carries, bound to what it is for, and the rules it must keep.

    pg2.<base64url of canonical JSON claims>.<signature, hex>

Claims: sub (address of the key), aud (address of the network), mth (the call), bod (SHA-256 of what it says), gw (the
gateway it is spoken to), iat and exp (ms since the epoch), jti (32 hex digits). The signature is EIP-191 over the part
before the last dot. Reading a token checks nothing but its form.

What is heard        bound by
the call             its path in gRPC, or verb and path of HTTP
what it says         the digest of its message; of a stream that callers send, of the first message: the rest comes on
                     the same stream of the same connection
the gateway          the name that the caller's TLS verified, or host and port on this machine (`Target.name`)
that it is once      acts of money, rights and administration use up the jti in the network's database
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import BadToken, TokenExpired, WrongAudience
from proofgrid.primitives.ids import Address
from proofgrid.primitives.refusals import WrongPurpose

PREFIX = "pg2"
UNBOUND_PREFIX = "pg1"  #: of tokens that were good for every call, everywhere
LIFETIME_MAX_MS = 10 * 60 * 1_000
CLOCK_SKEW_MS = 30_000
TOKEN_CHARS_MAX = 2_048
METHOD_CHARS_MAX = 512  #: verb and path; the token has the same again as base64
_SHOWN_CHARS = 80

_JTI = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_METHOD = re.compile(rf"[!-~ ]{{1,{METHOD_CHARS_MAX}}}")
_GATEWAY = re.compile(r"[!-~]{1,260}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a token is for: one call, of these bytes, at one gateway."""

    method: str  #: "/proofgrid.v1.ClientService/Submit", or "POST /v1/tasks"
    body: str  #: SHA-256 of the bytes of the (first) message, hex
    gateway: str  #: as `Target.name` spells it


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says."""

    subject: Address
    audience: Address
    purpose: Purpose
    issued_ms: int
    expires_ms: int
    token_id: str


def spell_claims(claims: Claims) -> str:
    """Return the part of a token that is signed."""
    said = {
        "sub": claims.subject,
        "aud": claims.audience,
        "mth": claims.purpose.method,
        "bod": claims.purpose.body,
        "gw": claims.purpose.gateway,
        "iat": claims.issued_ms,
        "exp": claims.expires_ms,
        "jti": claims.token_id,
    }
    return f"{PREFIX}.{base64.urlsafe_b64encode(canonical_json(said)).decode().rstrip('=')}"


def read_token(token: str) -> tuple[Claims, str, str]:
    """Return (claims, the signed part, the signature); raise BadToken for anything malformed."""
    if len(token) > TOKEN_CHARS_MAX:
        raise BadToken("the token is too long")
    signed, _, signature = token.rpartition(".")
    prefix, _, body = signed.partition(".")
    if prefix == UNBOUND_PREFIX:
        raise BadToken(
            f"a token of the form {UNBOUND_PREFIX} is bound to no call and is not taken any more",
            hint="update proofgrid on the caller's side",
        )
    if prefix != PREFIX or not body or not signature:
        raise BadToken(f"a token is {PREFIX}.<claims>.<signature>")
    try:
        claims = _read_claims(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise BadToken("the token's claims cannot be read") from None
    if not _JTI.fullmatch(claims.token_id):
        raise BadToken("the token's jti is 32 hex digits")
    return claims, signed, signature


def check_claims(claims: Claims, *, audience: Address, now_ms: int) -> None:
    """Raise WrongAudience or TokenExpired unless the claims hold here and now."""
    if claims.audience != audience:
        raise WrongAudience(f"the token is for network {claims.audience}", hint=f"this is network {audience}")
    if claims.expires_ms - claims.issued_ms > LIFETIME_MAX_MS:
        raise TokenExpired(f"a token lives at most {LIFETIME_MAX_MS // 1000} s")
    if now_ms < claims.issued_ms - CLOCK_SKEW_MS:
        raise TokenExpired("the token is not valid yet", hint="is your clock right?")
    if now_ms >= claims.expires_ms:
        raise TokenExpired("the token is expired", hint="is your clock right?")


def check_call(purpose: Purpose, *, method: str, names: Collection[str]) -> None:
    """Raise WrongPurpose unless a token is for this call at a gateway of these names."""
    if purpose.gateway not in names:
        raise WrongPurpose(
            f"the token is for the gateway {purpose.gateway[:_SHOWN_CHARS]}, this one is {_spell(names)}",
            field="gateway",
            hint="if callers reach this gateway by that name, its operator adds it: --names",
        )
    if purpose.method != method:
        raise WrongPurpose(
            f"the token is for {purpose.method[:_SHOWN_CHARS]}, not for {method[:_SHOWN_CHARS]}", field="method"
        )


def check_body(purpose: Purpose, *, body: str) -> None:
    """Raise WrongPurpose unless a token is for what the call says. `body`: SHA-256 of the bytes as they came.

    Of a file it is what its caller declared, which holds once the file was stored; empty: nothing was.
    """
    if not body:
        raise WrongPurpose("nothing says what digest the body has", field="body", hint="declare it: ?digest=SHA-256")
    if purpose.body != body:
        raise WrongPurpose(
            f"the token is for a message with the digest {purpose.body}, this one has {body}",
            field="body",
            hint="sign the very bytes that are sent",
        )


def _read_claims(raw: dict[str, object]) -> Claims:
    return Claims(
        subject=Address(str(raw["sub"])),
        audience=Address(str(raw["aud"])),
        purpose=Purpose(
            method=_matching(_METHOD, raw["mth"]),
            body=_matching(_DIGEST, raw["bod"]),
            gateway=_matching(_GATEWAY, raw["gw"]),
        ),
        issued_ms=_whole(raw["iat"]),
        expires_ms=_whole(raw["exp"]),
        token_id=str(raw["jti"]),
    )


def _spell(names: Collection[str]) -> str:
    return " or ".join(sorted(names)[:3]) or "nobody's yet"


def _matching(form: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("not of its form")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError("not a whole number")
    return value
