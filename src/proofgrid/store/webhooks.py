"""Webhooks in the database: endpoints, and what is to be sent to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.ids import Address
from proofgrid.rules.webhooks.endpoints import ACCOUNT_KINDS, DeliveryState
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client is told; moments are milliseconds since the epoch."""

    endpoint_id: UUID
    owner: Address
    url: str
    kinds: tuple[str, ...]
    secret: bytes
    created_ms: int
    disabled_ms: int | None
    disabled_why: str
    waiting: int  #: deliveries


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint, as its owner sees it."""

    subject_id: UUID  #: the task's, or its owner's account's
    seq: int
    kind: str
    state: DeliveryState
    attempts: int
    due_ms: int
    status: int  #: of the last answer; 0: none
    answer: str
    at_ms: int

    @property
    def task_id(self) -> UUID | None:
        """The task that it tells of; None: it tells of the account."""
        return None if self.kind in ACCOUNT_KINDS else self.subject_id


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this gateway's to make."""

    endpoint_id: UUID
    task_id: UUID  #: or its owner's account's
    seq: int
    attempts: int
    owner: Address
    url: str
    secret: bytes
    kind: str
    data: Mapping[str, object]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered."""

    waiting: int
    oldest_ms: int


WEBHOOK_BACKLOG = query("webhook_backlog", Backlog)
INSERT_WEBHOOK = query("insert_webhook", UUID)
LOCK_WEBHOOKS_OF = query("lock_webhooks_of", None)
LIST_WEBHOOKS = query("list_webhooks", Endpoint)
REMOVE_WEBHOOK = query("remove_webhook", UUID)
LIST_DELIVERIES = query("list_deliveries", Delivery)
ENABLE_WEBHOOK = query("enable_webhook", UUID)
REPLAY_DELIVERIES = query("replay_deliveries", int)
CLAIM_DELIVERIES = query("claim_deliveries", Claimed)
NOTE_DELIVERY = query("note_delivery", None)
NOTE_ENDPOINT = query("note_endpoint", bool)
FORGET_DELIVERIES = query("forget_deliveries", None)
