"""Webhooks, as their owner sees them; moments are milliseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Webhook:
    """A server that is told of your tasks."""

    endpoint_id: str
    url: str
    kinds: tuple[str, ...]
    public_key: str  #: whpk_…: what checks v1a; no secret
    created_ms: int
    disabled_ms: int  #: 0: it is not
    disabled_why: str
    waiting: int  #: deliveries


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook as it was made."""

    webhook: Webhook
    secret: str  #: whsec_…: what checks v1; nobody can show it again

    def __repr__(self) -> str:
        return f"NewWebhook({self.webhook!r}, secret=…)"


@dataclass(frozen=True, slots=True)
class WebhookTest:
    """What came back of a test."""

    message_id: str  #: what the receiver read in webhook-id
    delivered: bool  #: the answer's status was 200 to 299
    status: int  #: of the answer; 0: none
    answer: str  #: its beginning, or why there is none
    took_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook."""

    task_id: str
    cursor: int
    kind: str
    state: str  #: waiting, delivered, failed
    attempts: int
    due_ms: int  #: of the next try, where it waits
    status: int  #: of the last answer; 0: none
    answer: str  #: its beginning, or why there is none
    at_ms: int
