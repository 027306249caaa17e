"""Makes the token that a call carries: one for each, bound to the call, what it says and the gateway it goes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.digests import digest_of
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.rules.access.tokens import Claims, Purpose, spell_claims

LIFETIME_MS = 120_000

Metadata: TypeAlias = "tuple[tuple[str, str], ...]"
Sign: TypeAlias = Callable[[str, bytes], Metadata]  #: (path of the method, bytes of its first message)


def fresh_nonce() -> str:
    """Return what makes a token one of its kind: 32 hex digits."""
    return fresh_bytes(16).hex()


def purpose_of(path: str, body: bytes, *, gateway: str) -> Purpose:
    """Return what a token is for that goes with these bytes."""
    return Purpose(method=path, body=digest_of(body), gateway=gateway)


def make_token(
    key: Signer,
    *,
    network: Address,
    purpose: Purpose,
    now_ms: int,
    nonce: str | None = None,
    lifetime_ms: int = LIFETIME_MS,
) -> str:
    """Return a fresh token of `key`; `nonce`: one that something else was signed with already."""
    claims = Claims(
        subject=key.address,
        audience=network,
        purpose=purpose,
        issued_ms=now_ms,
        expires_ms=now_ms + lifetime_ms,
        token_id=nonce or fresh_nonce(),
    )
    signed = spell_claims(claims)
    return f"{signed}.{key.sign(signed.encode())}"


def bearing(token: str) -> Metadata:
    """Return the metadata of a call that carries a token."""
    return (("authorization", f"Bearer {token}"),)
