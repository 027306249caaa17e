"""What happened to incidents and who was told of it, in the database."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.rules.incidents.post_mortem import TellingLine
from proofgrid.rules.incidents.telling import Change
from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """A step of an incident's life; `why`: it was ended, in an administrator's words."""

    change: Change
    at_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class ClaimedTelling:
    """A message that is this gateway's to send."""

    incident_id: int
    change: Change
    attempts: int
    changed_ms: int
    why: str


MAKE_TELLINGS = query("make_tellings", None)
CLAIM_TELLINGS = query("claim_tellings", ClaimedTelling)
NOTE_TELLING = query("note_telling", None)
NOTE_WHY_CLOSED = query("note_why_closed", None)
CHANGES_OF_INCIDENT = query("changes_of_incident", IncidentChange)
TELLINGS_OF_INCIDENT = query("tellings_of_incident", TellingLine)
