"""Makes the short-lived tokens that calls carry, and renews them before they expire."""

from __future__ import annotations

from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import BadToken
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import SigningKey
from proofgrid.rules.access.api_keys import id_of
from proofgrid.rules.access.tokens import Claims, spell_claims

LIFETIME_MS = 120_000
RENEW_BEFORE_MS = 30_000


def make_token(key: SigningKey, *, audience: Address, now_ms: int, lifetime_ms: int = LIFETIME_MS) -> str:
    """Return a fresh token of `key` for the network `audience`."""
    claims = Claims(
        subject=key.address,
        audience=audience,
        issued_ms=now_ms,
        expires_ms=now_ms + lifetime_ms,
        token_id=fresh_bytes(16).hex(),
    )
    signed = spell_claims(claims)
    return f"{signed}.{key.sign(signed.encode())}"


class ApiKeyTokens:
    """An API key goes with every call as it is."""

    def __init__(self, text: str) -> None:
        id_of(text)
        self._text = text

    def token(self, audience: Address) -> str:
        """Return the key."""
        return self._text

    def single_use(self, audience: Address) -> str:
        """Raise BadToken: what takes a token that was never used takes no API key."""
        raise BadToken("an API key is not let in here", hint="use your signing key: --key FILE")


class TokenSource:
    """Hands out a token that is still good for a while, making a new one when needed."""

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self._token = ""
        self._audience: Address | None = None
        self._good_until_ms = 0

    def token(self, audience: Address) -> str:
        """Return a token that may be used for many calls."""
        now_ms = self._clock.now_ms()
        if now_ms >= self._good_until_ms or audience != self._audience:
            self._token = make_token(self._key, audience=audience, now_ms=now_ms)
            self._audience = audience
            self._good_until_ms = now_ms + LIFETIME_MS - RENEW_BEFORE_MS
        return self._token

    def single_use(self, audience: Address) -> str:
        """Return a token that was never used."""
        return make_token(self._key, audience=audience, now_ms=self._clock.now_ms())
