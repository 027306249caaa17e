"""API keys of clients: made, listed, revoked, by their owners or by a key that has the scope for it."""

from __future__ import annotations

import structlog

from proofgrid.primitives.account_errors import UnknownApiKey
from proofgrid.primitives.clock import Clock, fresh_bytes
from proofgrid.primitives.errors import InvalidField, TooManyOpen
from proofgrid.primitives.ids import Address
from proofgrid.primitives.pages import Page, before_name, page_of
from proofgrid.roles.intake.api_key_callers import ApiKeyCallers
from proofgrid.rules.access.api_keys import (
    FORGET_AFTER_MS,
    ID_BYTES,
    KEPT_MAX,
    LIVE_MAX,
    SECRET_BYTES,
    Scope,
    WantedKey,
    check_spend,
    check_wanted,
    check_within,
    hash_of,
    spell_key,
)
from proofgrid.rules.access.rights import needs, own_or_admin
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.subnetworks import parse_subnetwork
from proofgrid.store.api_keys import (
    COUNT_API_KEYS,
    FORGET_API_KEYS,
    GET_API_KEY,
    INSERT_API_KEY,
    LIST_API_KEYS,
    LOCK_API_KEYS_OF,
    REVOKE_API_KEY,
    SET_API_KEY,
    StoredKey,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class ApiKeys:
    """A client has its own keys; an administrator sees and revokes anybody's, and makes none for others."""

    def __init__(self, database: Database, callers: ApiKeyCallers, clock: Clock) -> None:
        self._database = database
        self._callers = callers
        self._clock = clock

    @needs(Role.CLIENT, scopes=(Scope.KEYS_WRITE,), once=True)
    async def make(self, caller: Caller, wanted: WantedKey) -> tuple[StoredKey, str]:
        """Make a key; return it, and the secret text, which nobody can show again.

        Raises InvalidField, TooManyOpen, or NotAllowed where a key makes one that may do more than itself.
        """
        check_wanted(wanted, now_ms=self._clock.now_ms())
        if wanted.subnetwork:
            parse_subnetwork(wanted.subnetwork)
        if caller.api_key is not None:
            check_within(caller.api_key, wanted)
        key_id, text = spell_key(fresh_bytes(ID_BYTES), fresh_bytes(SECRET_BYTES))
        async with self._database.transaction(Transaction.CHANGE_API_KEYS) as connection:
            await self._check_room(connection, caller.address)
            await connection.run(
                INSERT_API_KEY,
                key_id=key_id,
                owner=caller.address,
                maker_id=None if caller.api_key is None else caller.api_key.key_id,
                label=wanted.label,
                secret_hash=hash_of(text),
                scopes=sorted(wanted.scopes),
                subnetwork=wanted.subnetwork,
                spend_per_day=wanted.spend_per_day,
                expires_ms=wanted.expires_ms,
                addresses=list(wanted.addresses),
            )
            made = await connection.value(GET_API_KEY, key_id=key_id)
        log.info("api_key_made", key_id=key_id, owner=caller.address)
        return made, text

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.KEYS_READ, Scope.KEYS_WRITE))
    async def list_for(
        self, caller: Caller, asked: Address | None, *, limit: int = 0, cursor: str = ""
    ) -> Page[StoredKey]:
        """Return the keys of somebody, newest first: those that ended stay for a month."""
        owner = own_or_admin(caller, asked, refusal="these are not your API keys", field="owner")
        limit = min(limit or KEPT_MAX, KEPT_MAX)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_API_KEYS, owner=owner, limit=limit + 1, **before_name(cursor, "api_keys")
            )
        return page_of(rows, limit=limit, of="api_keys", place=lambda one: (one.created_ms, one.key_id))

    @needs(Role.CLIENT, once=True)
    async def set_spend(self, caller: Caller, key_id: str, *, spend_per_day: int) -> StoredKey:
        """Say anew what a key may spend a day; what it spent today stays counted. No API key may ask this.

        Raises UnknownApiKey for one that is not good, or InvalidField beyond what the key that made it may spend.
        """
        check_spend(spend_per_day)
        async with self._database.transaction(Transaction.CHANGE_API_KEYS) as connection:
            known = await connection.first(GET_API_KEY, key_id=key_id)
            if known is None or known.owner != caller.address or known.is_revoked:
                raise UnknownApiKey(field="key_id", hint="proofgrid api-keys list shows yours")
            changed = await connection.first(
                SET_API_KEY, key_id=key_id, owner=caller.address, spend_per_day=spend_per_day
            )
            if changed is None:
                raise InvalidField("it has expired, or the key that made it may spend less", field="spend_per_day")
            known = await connection.value(GET_API_KEY, key_id=key_id)
        self._callers.known.forget(key_id)  # the other gateways hold it for a second
        log.info("api_key_set", key_id=key_id, owner=caller.address)
        return known

    @needs(Role.CLIENT, Role.ADMIN, scopes=(Scope.KEYS_WRITE,), once=True)
    async def revoke(self, caller: Caller, key_id: str) -> StoredKey:
        """End a key, and those that it made, whatever is open on their behalf. Twice is once. Raises UnknownApiKey."""
        async with self._database.transaction(Transaction.CHANGE_API_KEYS) as connection:
            known = await connection.first(GET_API_KEY, key_id=key_id)
            # Somebody else's key is as unknown as one that does not exist.
            if known is None or (known.owner != caller.address and not caller.is_admin):
                raise UnknownApiKey(field="key_id", hint="proofgrid api-keys list shows yours")
            revoked = await connection.fetch(REVOKE_API_KEY, key_id=key_id, owner=known.owner)
            known = await connection.value(GET_API_KEY, key_id=key_id)
        for one in revoked:
            self._callers.known.forget(one)  # the other gateways are told
        log.info("api_key_revoked", key_id=key_id, owner=known.owner, by=caller.address)
        return known

    async def _check_room(self, connection: Connection, owner: Address) -> None:
        await connection.run(LOCK_API_KEYS_OF, owner=owner)
        await connection.run(FORGET_API_KEYS, owner=owner, after_ms=FORGET_AFTER_MS)
        count = await connection.value(COUNT_API_KEYS, owner=owner)
        if count.live >= LIVE_MAX:
            raise TooManyOpen(f"you have {count.live} API keys, {LIVE_MAX} are allowed", hint="revoke some")
        if count.kept >= KEPT_MAX:
            raise TooManyOpen(f"{count.kept} API keys are kept", hint="those that ended are forgotten after 30 days")
