"""Webhooks: servers of yours that are told of your tasks (https://www.standardwebhooks.com).

new = await client.webhooks.make("https://server.example/proofs", kinds=["done", "failed"])
new.secret, new.webhook.public_key                # either of them checks what comes: rules.webhooks.signing.verify
"""

from __future__ import annotations

from collections.abc import Iterable

from proofgrid.primitives.pages import Page
from proofgrid.sdk.answers.reading import read, read_page
from proofgrid.sdk.answers.webhooks import Delivery, NewWebhook, Webhook, WebhookTest
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import webhooks_pb2 as messages


class Webhooks:
    """For clients."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def make(self, url: str, *, kinds: Iterable[str] = ()) -> NewWebhook:
        """Be told of events from now on; none named: done, failed, cancelled. The secret is in this answer only."""
        request = messages.MakeWebhookRequest(url=url, kinds=list(kinds))
        return read(NewWebhook, await self._connection.ask(lambda services: services.webhooks.MakeWebhook, request))

    async def known(self, *, limit: int = 100, cursor: str = "") -> Page[Webhook]:
        """Return your webhooks, newest first."""
        request = messages.ListWebhooksRequest(limit=limit, cursor=cursor)
        answer = await self._connection.ask(lambda services: services.webhooks.ListWebhooks, request)
        return read_page(Webhook, answer.webhooks, answer.next_cursor)

    async def deliveries(self, endpoint_id: str, *, limit: int = 100, cursor: str = "") -> Page[Delivery]:
        """Return a page of what was sent to one of them or waits for it, newest first."""
        request = messages.ListDeliveriesRequest(endpoint_id=endpoint_id, limit=limit, cursor=cursor)
        answer = await self._connection.ask(lambda services: services.webhooks.ListDeliveries, request)
        return read_page(Delivery, answer.deliveries, answer.next_cursor)

    async def replay(self, endpoint_id: str, *, since_ms: int = 0) -> int:
        """Send again what failed, and what was delivered of events since a moment; return how many. It is enabled."""
        request = messages.ReplayWebhookRequest(endpoint_id=endpoint_id, since_ms=since_ms)
        answer = await self._connection.ask(lambda services: services.webhooks.ReplayWebhook, request)
        return answer.deliveries

    async def test(self, endpoint_id: str) -> WebhookTest:
        """Send a signed message there now that tells of nothing, and return what came back. Raises RateLimited."""
        request = messages.TestWebhookRequest(endpoint_id=endpoint_id)
        answer = await self._connection.ask(lambda services: services.webhooks.TestWebhook, request)
        return read(WebhookTest, answer)

    async def remove(self, endpoint_id: str) -> None:
        """Send nothing more there."""
        request = messages.RemoveWebhookRequest(endpoint_id=endpoint_id)
        await self._connection.ask(lambda services: services.webhooks.RemoveWebhook, request)
