"""Rows of incidents as the messages that are made of them."""

from __future__ import annotations

from proofgrid.primitives.ids import Address
from proofgrid.rules.incidents.telling import Change, Message
from proofgrid.store.incidents import Incident


def message_of(incident: Incident, *, network: Address, change: Change, changed_ms: int, why: str = "") -> Message:
    """Return an incident, and what happened to it, as whoever watches is told."""
    return Message(
        network=network,
        incident_id=incident.incident_id,
        row=incident.row,
        subject=incident.subject,
        detail=incident.detail,
        change=change,
        opened_ms=incident.opened_ms,
        changed_ms=changed_ms,
        closed_ms=incident.closed_ms,
        closed_by=incident.closed_by,
        why=why,
        acted=incident.acted,
        until_ms=incident.until_ms,
        facts=incident.facts,
    )
