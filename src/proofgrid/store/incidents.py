"""Incidents as they are written down: violations of the ledger's rules that were found."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Incident:
    """A violation that was found."""

    incident_id: int
    kind: str
    subject: str
    detail: str
    opened_ms: int
    closed_ms: int | None  #: None: it is open
    closed_by: str
    stops_settlement: bool  #: while it is open


IS_STOPPED = query("is_stopped", bool)
KEEP_REPORTED_LEASES = query("keep_reported_leases", None)
OPEN_INCIDENTS = query("open_incidents", Incident)
LIST_INCIDENTS = query("list_incidents", Incident)
GET_INCIDENT = query("get_incident", Incident)
CLOSE_INCIDENT = query("close_incident", int)
