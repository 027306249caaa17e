"""API keys in the database, and what they spend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from proofgrid.primitives.account_errors import SpendLimitReached
from proofgrid.primitives.errors import UnknownKey
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import tokens_text
from proofgrid.rules.access.api_keys import ApiKey, Scope
from proofgrid.store.queries import query

OVERSPENT_SQLSTATE = "PG153"  #: of spend_by_keys
ENDED_SQLSTATE = "PG206"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key as it is kept; amounts are base units."""

    key_id: str
    owner: Address
    maker_id: str | None  #: the key that made it
    label: str
    secret_hash: bytes
    scopes: tuple[str, ...]
    subnetwork: str
    spend_per_day: int
    spent_today: int
    created_ms: int
    expires_ms: int
    is_revoked: bool  #: or the one that made it
    used_ms: int | None  #: some seconds late
    addresses: tuple[str, ...]  #: networks from where it is good; none: from everywhere

    @property
    def may(self) -> ApiKey:
        """What it may do. A scope that this version does not know lets it in nowhere."""
        return ApiKey(
            key_id=self.key_id,
            owner=self.owner,
            scopes=frozenset(Scope(one) for one in self.scopes if one in list(Scope)),
            subnetwork=self.subnetwork,
            spend_per_day=self.spend_per_day,
            expires_ms=self.expires_ms,
            addresses=self.addresses,
        )


@dataclass(frozen=True, slots=True)
class KeyCount:
    """How many keys an owner has: listed, and good for something."""

    kept: int
    live: int


GET_API_KEY = query("get_api_key", StoredKey)
LIST_API_KEYS = query("list_api_keys", StoredKey)
LOCK_API_KEYS_OF = query("lock_api_keys_of", None)
FORGET_API_KEYS = query("forget_api_keys", None)
COUNT_API_KEYS = query("count_api_keys", KeyCount)
INSERT_API_KEY = query("insert_api_key", None)
SET_API_KEY = query("set_api_key", str)
REVOKE_API_KEY = query("revoke_api_key", str)
NOTE_KEYS_USED = query("note_keys_used", None)
SPEND_BY_KEY = query("spend_by_key", int)


def refusal_of(error: asyncpg.PostgresError) -> SpendLimitReached | UnknownKey | None:
    """Return what a caller is told whose key may not spend; None where the database refused something else."""
    if error.sqlstate == ENDED_SQLSTATE:
        return UnknownKey("this API key was revoked or has expired")
    if error.sqlstate != OVERSPENT_SQLSTATE:
        return None
    key_id, limit = str(getattr(error, "detail", "")).split(" ")
    return SpendLimitReached(
        f"the API key {key_id} may spend {tokens_text(int(limit))} a day, and this would be more",
        field="budget",
        hint="its day ends at midnight UTC; proofgrid api-keys list shows what is left",
    )


@contextmanager
def spending() -> Iterator[None]:
    """Name the refusals of what spends by a key. Raises SpendLimitReached, UnknownKey."""
    try:
        yield
    except asyncpg.PostgresError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from None
