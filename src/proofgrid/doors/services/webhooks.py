"""Webhooks, as services read and answer them."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.ids import parse_uuid
from proofgrid.roles.intake.webhooks import WebhookList
from proofgrid.rules.webhooks.signing import public_key_of, spell_secret
from proofgrid.store.webhooks import Delivery, Endpoint
from proofgrid.wire.v1 import webhooks_pb2 as messages
from proofgrid.wire.v1 import webhooks_pb2_grpc as services


class WebhookService(services.WebhookServiceServicer):
    """What `WebhookService` of proto/proofgrid/wire/v1/webhooks.proto promises."""

    def __init__(self, door: FrontDoor, webhooks: WebhookList) -> None:
        self._door = door
        self._webhooks = webhooks

    @answering
    async def MakeWebhook(self, request: messages.MakeWebhookRequest, context: CallContext) -> messages.NewWebhook:  # noqa: N802
        caller = await self._door.admit(context, self._webhooks.make)
        made = await self._webhooks.make(caller, request.url, request.kinds)
        return messages.NewWebhook(webhook=write_webhook(made), secret=spell_secret(made.secret))

    @answering
    async def ListWebhooks(  # noqa: N802
        self, request: messages.ListWebhooksRequest, context: CallContext
    ) -> messages.ListWebhooksResponse:
        caller = await self._door.admit(context, self._webhooks.list_own)
        found = await self._webhooks.list_own(caller, limit=request.limit, cursor=request.cursor)
        return messages.ListWebhooksResponse(
            webhooks=[write_webhook(one) for one in found], next_cursor=found.next_cursor
        )

    @answering
    async def ListDeliveries(  # noqa: N802
        self, request: messages.ListDeliveriesRequest, context: CallContext
    ) -> messages.ListDeliveriesResponse:
        caller = await self._door.admit(context, self._webhooks.deliveries)
        endpoint_id = parse_uuid(request.endpoint_id, field="endpoint_id")
        found = await self._webhooks.deliveries(caller, endpoint_id, limit=request.limit, cursor=request.cursor)
        return messages.ListDeliveriesResponse(
            deliveries=[_write_delivery(one) for one in found], next_cursor=found.next_cursor
        )

    @answering
    async def ReplayWebhook(  # noqa: N802
        self, request: messages.ReplayWebhookRequest, context: CallContext
    ) -> messages.ReplayWebhookResponse:
        caller = await self._door.admit(context, self._webhooks.replay)
        endpoint_id = parse_uuid(request.endpoint_id, field="endpoint_id")
        number = await self._webhooks.replay(caller, endpoint_id, since_ms=request.since_ms)
        return messages.ReplayWebhookResponse(deliveries=number)

    @answering
    async def TestWebhook(  # noqa: N802
        self, request: messages.TestWebhookRequest, context: CallContext
    ) -> messages.TestWebhookResponse:
        caller = await self._door.admit(context, self._webhooks.test)
        tested = await self._webhooks.test(caller, parse_uuid(request.endpoint_id, field="endpoint_id"))
        return messages.TestWebhookResponse(
            message_id=tested.message_id,
            delivered=tested.is_delivered,
            status=tested.status,
            answer=tested.answer,
            took_ms=tested.took_ms,
        )

    @answering
    async def RemoveWebhook(  # noqa: N802
        self, request: messages.RemoveWebhookRequest, context: CallContext
    ) -> messages.RemoveWebhookResponse:
        caller = await self._door.admit(context, self._webhooks.remove)
        await self._webhooks.remove(caller, parse_uuid(request.endpoint_id, field="endpoint_id"))
        return messages.RemoveWebhookResponse()


def write_webhook(endpoint: Endpoint) -> messages.Webhook:
    return messages.Webhook(
        endpoint_id=str(endpoint.endpoint_id),
        url=endpoint.url,
        kinds=endpoint.kinds,
        public_key=public_key_of(endpoint.secret),
        created_ms=endpoint.created_ms,
        disabled_ms=endpoint.disabled_ms or 0,
        disabled_why=endpoint.disabled_why,
        waiting=endpoint.waiting,
    )


def _write_delivery(delivery: Delivery) -> messages.Delivery:
    return messages.Delivery(
        task_id=str(delivery.task_id or ""),
        cursor=delivery.seq,
        kind=delivery.kind,
        state=delivery.state,
        attempts=delivery.attempts,
        due_ms=delivery.due_ms,
        status=delivery.status,
        answer=delivery.answer,
        at_ms=delivery.at_ms,
    )
