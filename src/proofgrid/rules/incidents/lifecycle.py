"""The life of an incident: a signal opens it, an act answers it, it ends. The drawing is the table.

    opened --acted--> standing --over--> closed    (its time is over, or its signal is gone: by itself)
          \\                  \\-closed-> closed    (an administrator says so)
           `---closed-----------------> closed

Of a kind and a subject one incident is open at a time, whichever gateways see the signal; what is seen again meanwhile
is counted on it. An act is done in the transaction that says so, and undone in the one that closes it: whoever dies in
between, the next gateway finds the incident as it was.
"""

from __future__ import annotations

from enum import StrEnum

from proofgrid.rules.incidents.kinds import DEEDS, IncidentKind


class IncidentState(StrEnum):
    OPENED = "opened"  #: its act is not done yet
    STANDING = "standing"  #: its act holds
    CLOSED = "closed"


class IncidentEvent(StrEnum):
    ACTED = "acted"
    OVER = "over"
    CLOSED = "closed"


INCIDENT_TRANSITIONS: dict[tuple[IncidentState, IncidentEvent], IncidentState] = {
    (IncidentState.OPENED, IncidentEvent.ACTED): IncidentState.STANDING,
    (IncidentState.OPENED, IncidentEvent.CLOSED): IncidentState.CLOSED,
    (IncidentState.STANDING, IncidentEvent.OVER): IncidentState.CLOSED,
    (IncidentState.STANDING, IncidentEvent.CLOSED): IncidentState.CLOSED,
}

BY_ITSELF = "network"  #: who closed an incident that ended by itself


def state_of(*, acted_ms: int | None, closed_ms: int | None) -> IncidentState:
    """Return the state that these times of a row mean."""
    if closed_ms is not None:
        return IncidentState.CLOSED
    return IncidentState.OPENED if acted_ms is None else IncidentState.STANDING


def acts_by_standing(kind: IncidentKind) -> bool:
    """Is the open incident itself what stops or blocks something, so that nothing is left to be done?"""
    return kind.act not in DEEDS


def quiet_ms(kind: IncidentKind, earlier: int) -> int:
    """Return for how long the act of a kind that ends by time holds, after so many earlier ones of the same subject.

    Twice as long each time, up to the kind's longest; 0: it does not end by time.
    """
    return min(kind.first_ms << min(earlier, 32), kind.longest_ms)
