"""Incidents as they are written down: opened once whoever sees their signal, acted upon once, closed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from proofgrid.primitives.canonical import Json
from proofgrid.rules.incidents.kinds import IncidentKind, kind_of
from proofgrid.rules.incidents.lifecycle import IncidentState, acts_by_standing, quiet_ms, state_of
from proofgrid.rules.incidents.signals import DETAIL_CHARS_MAX, Signal
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query

SUBJECT_CHARS_MAX = 300

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Incident:
    """What was noticed, what was done, and how it ended."""

    incident_id: int
    kind: str  #: rules/incidents/kinds.py
    subject: str
    detail: str
    opened_ms: int
    closed_ms: int | None  #: None: it is open
    closed_by: str  #: an administrator's address, or `network`: it ended by itself
    stops_settlement: bool  #: while it is open
    facts: Mapping[str, Json] = field(default_factory=dict)  #: what the signal counted
    signal_ms: int = 0  #: when it could be seen first
    seen_ms: int = 0  #: and when it was seen last
    times: int = 1  #: so often, counted every ten seconds at most
    acted_ms: int | None = None  #: None: its act is not done yet
    acted: str = ""  #: what was done
    until_ms: int | None = None  #: it ends by itself then; None: it does not

    @property
    def row(self) -> IncidentKind:
        """Its row of the table."""
        return kind_of(self.kind)

    @property
    def state(self) -> IncidentState:
        return state_of(acted_ms=self.acted_ms, closed_ms=self.closed_ms)


@dataclass(frozen=True, slots=True)
class Earlier:
    """How many incidents of a kind and a subject ended lately."""

    kind: str
    subject: str
    times: int


IS_STOPPED = query("is_stopped", bool)
KEEP_REPORTED_LEASES = query("keep_reported_leases", None)
EARLIER_INCIDENTS = query("earlier_incidents", Earlier)
OPEN_INCIDENTS = query("open_incidents", Incident)
LIST_INCIDENTS = query("list_incidents", Incident)
GET_INCIDENT = query("get_incident", Incident)
LOCK_INCIDENT = query("lock_incident", Incident)
LOCK_INCIDENT_TO_CLOSE = query("lock_incident_to_close", Incident)
NOTE_ACTED = query("note_acted", None)
CLOSE_INCIDENT = query("close_incident", int)


async def open_incidents(connection: Connection, signals: Sequence[Signal]) -> list[Incident]:
    """Open what the signals are, in the caller's transaction; return those that were not open, and say so in the log.

    One of a kind and a subject is open at a time, in the whole network.
    """
    once = list({(one.kind, one.subject): one for one in signals}.values())
    if not once:
        return []
    rows = [kind_of(one.kind) for one in once]
    subjects = [one.subject[:SUBJECT_CHARS_MAX] for one in once]
    earlier = await connection.fetch(
        EARLIER_INCIDENTS,
        kinds=[row.kind for row in rows],
        subjects=subjects,
        forgotten_ms=[row.forgotten_ms for row in rows],
    )
    times = {(one.kind, one.subject): one.times for one in earlier}
    found = await connection.fetch(
        OPEN_INCIDENTS,
        kinds=[row.kind for row in rows],
        subjects=subjects,
        details=[one.detail[:DETAIL_CHARS_MAX] for one in once],
        facts=[dict(one.facts) for one in once],
        since_ms=[one.since_ms for one in once],
        stops=[row.stops_settlement for row in rows],
        standing=[acts_by_standing(row) for row in rows],
        does=[row.does for row in rows],
        quiet_ms=[quiet_ms(row, times[row.kind, subject]) for row, subject in zip(rows, subjects, strict=True)],
    )
    opened = [one for one in found if one.times == 1]
    for incident in opened:
        connection.once_committed(partial(_say_opened, incident))
    return opened


def _say_opened(incident: Incident) -> None:
    log.critical(
        "incident_opened",
        incident_id=incident.incident_id,
        kind=incident.kind,
        subject=incident.subject,
        detail=incident.detail,
    )
