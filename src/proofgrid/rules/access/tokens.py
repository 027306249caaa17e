"""The short-lived token that every call carries, and the rules it must keep.

    pg1.<base64url of canonical JSON claims>.<signature, hex>

Claims: sub (address of the key), aud (address of the network), iat and exp (ms since the epoch), jti (32 hex digits).
The signature is EIP-191 over the part before the last dot. Reading a token checks nothing but its form.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass

from proofgrid.primitives.canonical import canonical_json
from proofgrid.primitives.errors import BadToken, TokenExpired, WrongAudience
from proofgrid.primitives.ids import Address

PREFIX = "pg1"
LIFETIME_MAX_MS = 10 * 60 * 1_000
CLOCK_SKEW_MS = 30_000
TOKEN_CHARS_MAX = 2_048

_JTI = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says."""

    subject: Address
    audience: Address
    issued_ms: int
    expires_ms: int
    token_id: str


def spell_claims(claims: Claims) -> str:
    """Return the part of a token that is signed."""
    body = {
        "sub": claims.subject,
        "aud": claims.audience,
        "iat": claims.issued_ms,
        "exp": claims.expires_ms,
        "jti": claims.token_id,
    }
    return f"{PREFIX}.{base64.urlsafe_b64encode(canonical_json(body)).decode().rstrip('=')}"


def read_token(token: str) -> tuple[Claims, str, str]:
    """Return (claims, the signed part, the signature); raise BadToken for anything malformed."""
    if len(token) > TOKEN_CHARS_MAX:
        raise BadToken("the token is too long")
    signed, _, signature = token.rpartition(".")
    prefix, _, body = signed.partition(".")
    if prefix != PREFIX or not body or not signature:
        raise BadToken("a token is pg1.<claims>.<signature>")
    try:
        raw = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        claims = Claims(
            subject=Address(str(raw["sub"])),
            audience=Address(str(raw["aud"])),
            issued_ms=_whole(raw["iat"]),
            expires_ms=_whole(raw["exp"]),
            token_id=str(raw["jti"]),
        )
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


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError("not a whole number")
    return value
