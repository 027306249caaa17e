"""API keys, as their owner sees them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret; amounts are base units, moments milliseconds since the epoch."""

    key_id: str
    owner: str
    maker_id: str  #: the key that made it; empty: its owner's signature
    label: str
    scopes: tuple[str, ...]
    subnetwork: str  #: that it is for; empty: all of its owner's
    spend_per_day: int
    spent_today: int  #: since midnight UTC; what came back counts too
    created_ms: int
    expires_ms: int  #: 0: never
    revoked: bool
    used_ms: int  #: half a minute late; 0: never
    addresses: tuple[str, ...]  #: from where it is good; none: from everywhere


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """An API key as it was made."""

    key: ApiKey
    secret: str  #: what callers carry; nobody can show it again

    def __repr__(self) -> str:
        return f"NewApiKey({self.key!r}, secret=…)"
