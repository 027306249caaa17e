"""Tells clients' servers of their tasks: what is due is claimed, signed, sent, and what became of it is written down.

Any number of gateways share the work. Who dies between sending and writing down loses its claim after LEASE_MS, and the
message is sent again with the same id: at least once, in order per task and endpoint.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping

import structlog

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop
from proofgrid.roles.posting import Answer, post
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.event_kinds import visible_to
from proofgrid.rules.webhooks.endpoints import ACCOUNT_KINDS, FAILS_MAX_MS, DeliveryState, outcome_of
from proofgrid.rules.webhooks.signing import headers_of
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.store.webhooks import (
    CLAIM_DELIVERIES,
    FORGET_DELIVERIES,
    NOTE_DELIVERY,
    NOTE_ENDPOINT,
    WEBHOOK_BACKLOG,
    Claimed,
)
from proofgrid.telemetry.metrics.of_network import WEBHOOK_OLDEST_WAIT, WEBHOOK_WAITING

AT_ONCE = 16
LEASE_MS = 60_000
LOOK_SECONDS = 5.0
KEEP_MS = 30 * 86_400_000  #: for so long deliveries are listed and can be replayed
TIDY_MS = 3_600_000
COUNT_MS = 30_000

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[Answer]]

log = structlog.get_logger(__name__)


def message_id(claimed: Claimed) -> str:
    """Return what names a message, however often it is sent."""
    return f"msg_{claimed.task_id.hex}_{claimed.seq}"


def body_of(claimed: Claimed) -> bytes:
    """Return a message: what the task's client may see of the event, or what happened to its account."""
    if claimed.kind in ACCOUNT_KINDS:
        return _spelled(claimed, f"account.{claimed.kind}", {"address": claimed.owner, "event": claimed.data})
    data = visible_to(frozenset({Role.CLIENT}), claimed.kind, claimed.data)
    told = {"task_id": str(claimed.task_id), "cursor": claimed.seq, "event": data or {}}
    return _spelled(claimed, f"task.{claimed.kind}", told)


def _spelled(claimed: Claimed, kind: str, data: Mapping[str, object]) -> bytes:
    told = {"type": kind, "timestamp_ms": claimed.at_ms, "data": data}
    return json.dumps(told, separators=(",", ":")).encode()


class Webhooks:
    """Needs its `run` in a TaskGroup."""

    def __init__(self, database: Database, clock: Clock, *, may_be_local: bool, send: Post | None = None) -> None:
        self._database = database
        self._clock = clock
        self._may_be_local = may_be_local
        self._send = send or self._post
        self._tidied_ms = self._counted_ms = 0
        self._loop = Loop("webhooks", self._work, retry_seconds=LOOK_SECONDS)

    def wake(self, _told: str = "") -> None:
        """There may be something to send."""
        self._loop.wake()

    async def run(self) -> None:
        """Send until cancelled."""
        await self._loop.run()

    async def step(self) -> int:
        """Make the deliveries that are due, so many at once; return how many that were."""
        claimed = await self._database.write(
            Transaction.CLAIM_DELIVERIES,
            CLAIM_DELIVERIES,
            now_ms=self._clock.now_ms(),
            lease_ms=LEASE_MS,
            limit=AT_ONCE,
        )
        await asyncio.gather(*(self._deliver(one) for one in claimed))
        return len(claimed)

    async def _work(self) -> float:
        while await self.step():
            pass
        now_ms = self._clock.now_ms()
        if now_ms - self._counted_ms >= COUNT_MS:
            self._counted_ms = now_ms
            await self._count()
        if now_ms - self._tidied_ms >= TIDY_MS:
            self._tidied_ms = now_ms
            await self._database.write(Transaction.FORGET_DELIVERIES, FORGET_DELIVERIES, before_ms=now_ms - KEEP_MS)
        return LOOK_SECONDS

    async def _count(self) -> None:
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            backlog = await connection.value(WEBHOOK_BACKLOG)
        WEBHOOK_WAITING.set(backlog.waiting)
        WEBHOOK_OLDEST_WAIT.set(backlog.oldest_ms / 1_000)

    async def _deliver(self, claimed: Claimed) -> None:
        body = body_of(claimed)
        headers = headers_of(claimed.secret, message_id(claimed), body, now_seconds=self._clock.now_ms() // 1_000)
        answer = await self._send(claimed.url, headers, body)
        now_ms = self._clock.now_ms()
        outcome = outcome_of(answer.status, claimed.attempts, now_ms=now_ms, chance_permille=secrets.randbelow(1_000))
        async with self._database.transaction(Transaction.NOTE_DELIVERY) as connection:
            await connection.run(
                NOTE_DELIVERY,
                endpoint_id=claimed.endpoint_id,
                task_id=claimed.task_id,
                seq=claimed.seq,
                attempts=claimed.attempts,
                state=outcome.state.value,
                due_ms=outcome.due_ms,
                status=answer.status,
                answer=answer.text,
                now_ms=now_ms,
            )
            disabled = await connection.first(
                NOTE_ENDPOINT,
                endpoint_id=claimed.endpoint_id,
                took=outcome.state is DeliveryState.DELIVERED,
                is_gone=outcome.is_gone,
                now_ms=now_ms,
                fails_max_ms=FAILS_MAX_MS,
            )
        if disabled:
            log.warning("webhook_disabled", endpoint=str(claimed.endpoint_id), owner=claimed.owner)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return await post(url, headers, body, may_be_local=self._may_be_local)
