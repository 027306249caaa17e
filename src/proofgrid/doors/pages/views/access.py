"""API keys and webhooks as their owner sees them: what each may do, how it stands, never its secret."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from proofgrid.rules.access.api_keys import MEANINGS, USUAL, Scope
from proofgrid.rules.access.roles import Role
from proofgrid.rules.jobs.event_kinds import KINDS
from proofgrid.rules.webhooks.endpoints import ACCOUNT_KINDS
from proofgrid.rules.webhooks.endpoints import USUAL as USUAL_KINDS
from proofgrid.store.api_keys import StoredKey
from proofgrid.store.webhooks import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """An API key in the list; amounts in base units."""

    key_id: str
    label: str
    state: str  #: live, revoked, expired
    scopes: Sequence[str]
    subnetwork: str
    spend_per_day: int
    spent_today: int
    created_ms: int
    expires_ms: int
    used_ms: int | None
    made_by_key: bool

    @property
    def is_live(self) -> bool:
        return self.state == "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLine:
    """An endpoint in the list."""

    endpoint_id: UUID
    url: str
    kinds: Sequence[str]
    created_ms: int
    waiting: int
    disabled_ms: int | None
    disabled_why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A box that may be ticked."""

    name: str
    says: str
    is_chosen: bool


def key_lines(keys: Sequence[StoredKey], *, now_ms: int) -> list[KeyLine]:
    """Return the list, those that are good for something first, newest first within."""
    lines = [
        KeyLine(
            key_id=one.key_id,
            label=one.label,
            state=_state_of(one, now_ms=now_ms),
            scopes=sorted(one.scopes),
            subnetwork=one.subnetwork,
            spend_per_day=one.spend_per_day,
            spent_today=one.spent_today,
            created_ms=one.created_ms,
            expires_ms=one.expires_ms,
            used_ms=one.used_ms,
            made_by_key=one.maker_id is not None,
        )
        for one in keys
    ]
    return sorted(lines, key=lambda line: not line.is_live)


def webhook_lines(endpoints: Sequence[Endpoint]) -> list[WebhookLine]:
    """Return endpoints without what signs for them."""
    return [
        WebhookLine(
            endpoint_id=one.endpoint_id,
            url=one.url,
            kinds=one.kinds,
            created_ms=one.created_ms,
            waiting=one.waiting,
            disabled_ms=one.disabled_ms,
            disabled_why=one.disabled_why,
        )
        for one in endpoints
    ]


def scope_choices(chosen: Collection[str] | None) -> list[Choice]:
    """Return what an API key may be let do; None: nobody chose yet, the usual ones are ticked."""
    ticked = USUAL if chosen is None else chosen
    return [Choice(name=scope, says=MEANINGS[scope], is_chosen=scope in ticked) for scope in Scope]


def kind_choices(chosen: Collection[str] | None) -> list[Choice]:
    """Return the events that a client may be told of; None: nobody chose yet, the usual ones are ticked."""
    ticked = USUAL_KINDS if chosen is None else chosen
    of_tasks = [kind for kind, event in KINDS.items() if Role.CLIENT in event.seen_by]
    offered = sorted((*of_tasks, *ACCOUNT_KINDS), key=lambda kind: (kind not in USUAL_KINDS, kind))
    return [Choice(name=kind, says="", is_chosen=kind in ticked) for kind in offered]


def _state_of(key: StoredKey, *, now_ms: int) -> str:
    if key.is_revoked:
        return "revoked"
    return "expired" if key.expires_ms and key.expires_ms <= now_ms else "live"
