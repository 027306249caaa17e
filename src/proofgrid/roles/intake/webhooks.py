"""Webhooks of clients: made, listed, looked at, replayed, removed."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from proofgrid.primitives.account_errors import UnknownWebhook
from proofgrid.primitives.clock import Clock, fresh_bytes, fresh_uuid
from proofgrid.primitives.errors import InvalidField, TooManyOpen
from proofgrid.primitives.ids import parse_uuid
from proofgrid.primitives.pages import NEWEST_UUID, Page, before_uuid, page_of, read_cursor
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.rules.webhooks.endpoints import ENDPOINTS_MAX, check_url, parse_kinds
from proofgrid.rules.webhooks.signing import SECRET_BYTES
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.store.webhooks import (
    ENABLE_WEBHOOK,
    INSERT_WEBHOOK,
    LIST_DELIVERIES,
    LIST_WEBHOOKS,
    LOCK_WEBHOOKS_OF,
    REMOVE_WEBHOOK,
    REPLAY_DELIVERIES,
    Delivery,
    Endpoint,
)


class WebhookList:
    """A client has its own. An API key that is for one subnetwork has none: what is sent is of all tasks."""

    def __init__(self, database: Database, clock: Clock, *, may_be_local: bool) -> None:
        self._database = database
        self._clock = clock
        self._may_be_local = may_be_local

    @needs(Role.CLIENT, once=True, scopes=(Scope.WEBHOOKS_WRITE,))
    async def make(self, caller: Caller, url: str, kinds: Iterable[str]) -> Endpoint:
        """Make an endpoint; events from now on are sent to it. Raises InvalidField, TooManyOpen."""
        _check_whole(caller)
        check_url(url, may_be_local=self._may_be_local)
        wanted = parse_kinds(kinds)
        endpoint_id = fresh_uuid(self._clock)
        async with self._database.transaction(Transaction.CHANGE_WEBHOOKS) as connection:
            await connection.run(LOCK_WEBHOOKS_OF, owner=caller.address)
            made = await connection.first(
                INSERT_WEBHOOK,
                endpoint_id=endpoint_id,
                owner=caller.address,
                url=url,
                kinds=list(wanted),
                secret=fresh_bytes(SECRET_BYTES),
                most=ENDPOINTS_MAX,
            )
        if made is None:
            raise TooManyOpen(f"a client has at most {ENDPOINTS_MAX} webhooks", hint="proofgrid webhook remove")
        [found] = [one for one in await self.list_own(caller) if one.endpoint_id == endpoint_id]
        return found

    @needs(Role.CLIENT, scopes=(Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE))
    async def list_own(self, caller: Caller, *, limit: int = 0, cursor: str = "") -> Page[Endpoint]:
        """Return the caller's endpoints, newest first. Their secrets are in them: a door shows those once."""
        _check_whole(caller)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_WEBHOOKS, owner=caller.address, limit=list_limit(limit) + 1, **before_uuid(cursor, "webhooks")
            )
        return page_of(
            rows, limit=list_limit(limit), of="webhooks", place=lambda one: (one.created_ms, str(one.endpoint_id))
        )

    @needs(Role.CLIENT, scopes=(Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE))
    async def deliveries(self, caller: Caller, endpoint_id: UUID, *, limit: int, cursor: str = "") -> Page[Delivery]:
        """Return what was sent to an endpoint or waits for it, newest first. Raises UnknownWebhook.

        Newest by what happened last: a delivery that is tried again meanwhile comes to the front of the list.
        """
        if all(one.endpoint_id != endpoint_id for one in await self.list_own(caller)):
            raise UnknownWebhook(field="endpoint_id", hint="proofgrid webhook list")
        before_ms, before_id, before_seq = read_cursor(cursor, "deliveries", (*NEWEST_UUID, 0))
        wanted = {"owner": caller.address, "endpoint_id": endpoint_id, "limit": list_limit(limit) + 1}
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                LIST_DELIVERIES,
                before_ms=before_ms,
                before_id=parse_uuid(str(before_id), field="cursor"),
                before_seq=before_seq,
                **wanted,
            )
        return page_of(
            rows,
            limit=list_limit(limit),
            of="deliveries",
            place=lambda one: (one.at_ms, str(one.subject_id), one.seq),
        )

    @needs(Role.CLIENT, once=True, scopes=(Scope.WEBHOOKS_WRITE,))
    async def replay(self, caller: Caller, endpoint_id: UUID, *, since_ms: int) -> int:
        """Send again what failed, and with `since_ms` what was delivered of events since; return how many.

        An endpoint that was disabled is not any more. Raises UnknownWebhook.
        """
        _check_whole(caller)
        async with self._database.transaction(Transaction.CHANGE_WEBHOOKS) as connection:
            enabled = await connection.first(ENABLE_WEBHOOK, endpoint_id=endpoint_id, owner=caller.address)
            if enabled is None:
                raise UnknownWebhook(field="endpoint_id", hint="proofgrid webhook list")
            return len(await connection.fetch(REPLAY_DELIVERIES, endpoint_id=endpoint_id, since_ms=since_ms))

    @needs(Role.CLIENT, once=True, scopes=(Scope.WEBHOOKS_WRITE,))
    async def remove(self, caller: Caller, endpoint_id: UUID) -> None:
        """Send nothing more there, and forget what was. Raises UnknownWebhook."""
        _check_whole(caller)
        async with self._database.transaction(Transaction.CHANGE_WEBHOOKS) as connection:
            if await connection.first(REMOVE_WEBHOOK, endpoint_id=endpoint_id, owner=caller.address) is None:
                raise UnknownWebhook(field="endpoint_id", hint="proofgrid webhook list")


def _check_whole(caller: Caller) -> None:
    if caller.api_key is not None and caller.api_key.subnetwork:
        raise InvalidField("webhooks tell of the tasks of all subnetworks; this API key is for one", field="subnetwork")
