"""Webhooks of clients: made, listed, looked at, tested, replayed, removed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from proofgrid.primitives.account_errors import UnknownWebhook
from proofgrid.primitives.clock import Clock, fresh_bytes, fresh_uuid
from proofgrid.primitives.errors import InvalidField, RateLimited, TooManyOpen
from proofgrid.primitives.ids import Address, parse_uuid
from proofgrid.primitives.pages import NEWEST_UUID, Page, before_uuid, page_of, read_cursor
from proofgrid.roles.intake.rates import Rates
from proofgrid.roles.posting import Answer, post
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import Rate, list_limit
from proofgrid.rules.webhooks.endpoints import (
    ENDPOINTS_MAX,
    TEST,
    TEST_SECONDS,
    TESTS_AT_ONCE,
    check_url,
    is_taken,
    parse_kinds,
)
from proofgrid.rules.webhooks.signing import SECRET_BYTES, headers_of
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

Send = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came back of a test. `status` 0: nothing did, and `answer` says why."""

    message_id: str
    status: int
    answer: str
    took_ms: int

    @property
    def is_delivered(self) -> bool:
        return is_taken(self.status)


class WebhookList:
    """A client has its own. An API key that is for one subnetwork has none: what is sent is of all tasks."""

    def __init__(self, database: Database, clock: Clock, *, may_be_local: bool, send: Send | None = None) -> None:
        self._database = database
        self._clock = clock
        self._may_be_local = may_be_local
        self._send: Send = send or partial(post, may_be_local=may_be_local)
        self._tests: Rates[Address] = Rates(Rate(per_second=1, burst=TESTS_AT_ONCE * TEST_SECONDS), clock)

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
        await self._own(caller, endpoint_id)
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
    async def test(self, caller: Caller, endpoint_id: UUID) -> Trial:
        """Send a message that tells of nothing, signed like all, and return what came back.

        It is no delivery: it is not tried again, not listed, and neither disables an endpoint nor enables one.
        Raises UnknownWebhook, or RateLimited after TESTS_AT_ONCE, with when the next may be sent.
        """
        endpoint = await self._own(caller, endpoint_id)
        if wait_ms := self._tests.take(caller.address, TEST_SECONDS):
            raise RateLimited("so many tests of webhooks", hint=f"one more every {TEST_SECONDS} s", wait_ms=wait_ms)
        began_ms = self._clock.now_ms()
        message_id = f"msg_test_{fresh_uuid(self._clock).hex}"
        told = {"type": TEST, "timestamp_ms": began_ms, "data": {"endpoint_id": str(endpoint_id)}}
        body = json.dumps(told, separators=(",", ":")).encode()
        headers = headers_of(endpoint.secret, message_id, body, now_seconds=began_ms // 1_000)
        answer = await self._send(endpoint.url, headers, body)
        took_ms = max(0, self._clock.now_ms() - began_ms)
        return Trial(message_id=message_id, status=answer.status, answer=answer.text, took_ms=took_ms)

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

    async def _own(self, caller: Caller, endpoint_id: UUID) -> Endpoint:
        for one in await self.list_own(caller):
            if one.endpoint_id == endpoint_id:
                return one
        raise UnknownWebhook(field="endpoint_id", hint="proofgrid webhook list")


def _check_whole(caller: Caller) -> None:
    if caller.api_key is not None and caller.api_key.subnetwork:
        raise InvalidField("webhooks tell of the tasks of all subnetworks; this API key is for one", field="subnetwork")
