"""What is said of an incident, to whoever watches the network: once when it is opened, acted upon and closed.

    change --waiting--> told
              |  `----> waiting, after a backoff of `BACKOFF_SECONDS` --no try left--> failed

What strangers wrote (subjects, details) is on one line and escaped, wherever it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.ids import Address
from proofgrid.primitives.plain_text import one_line
from proofgrid.rules.incidents.kinds import IncidentKind
from proofgrid.rules.incidents.moments import moment

BACKOFF_SECONDS = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400)  #: after each try that failed
PER_HOUR = 60  #: messages of one channel: more wait, so that a storm of incidents is no storm of mail
YOUNG_MS = 86_400_000  #: a channel that is set up later is not told of what is older
LINE_CHARS_MAX = 300
STANDS_MS = 365 * 86_400_000  #: an alert stands for so long, unless it is told that it is over
EVIDENCE_MAX = 40


class Change(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    ACTED = "acted"
    CLOSED = "closed"


class Channel(StrEnum):
    """By which way somebody is told."""

    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    MAIL = "mail"


class TellingState(StrEnum):
    """What became of one message."""

    WAITING = "waiting"
    TOLD = "told"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An incident and what happened to it; moments are milliseconds since the epoch."""

    network: Address
    incident_id: int
    row: IncidentKind
    subject: str
    detail: str
    change: Change
    opened_ms: int
    changed_ms: int
    closed_ms: int | None
    closed_by: str
    why: str  #: it was ended, in an administrator's words
    acted: str
    until_ms: int | None
    facts: Mapping[str, Json]

    @property
    def name(self) -> str:
        """What names it, however often it is sent."""
        return f"msg_incident_{self.network[2:12].lower()}_{self.incident_id}_{self.change}"


def state_after(status: int, attempts: int) -> tuple[TellingState, int]:
    """Return what follows from the answer to a try, the `attempts`-th, and after how many ms the next may be made."""
    if 200 <= status < 300:
        return TellingState.TOLD, 0
    if attempts > len(BACKOFF_SECONDS):
        return TellingState.FAILED, 0
    return TellingState.WAITING, BACKOFF_SECONDS[attempts - 1] * 1_000


def headline(message: Message) -> str:
    """Return one line of plain text that says what happened."""
    kind = message.row.kind.replace("_", " ")
    return f"[proofgrid] {kind} {message.change}: {_line(message.subject)}"[:LINE_CHARS_MAX]


def body(message: Message) -> str:
    """Return the whole as plain text, a fact a line."""
    lines = [
        _line(message.detail),
        "",
        f"incident {message.incident_id} of the network {message.network}",
        f"opened {moment(message.opened_ms)}",
        f"signal: {message.row.signal}; threshold: {message.row.threshold}",
        f"act: {_line(message.acted or message.row.does)}",
    ]
    if message.until_ms is not None:
        lines.append(f"ends by itself {moment(message.until_ms)}")
    if message.closed_ms is not None:
        lines.append(f"closed {moment(message.closed_ms)} by {_line(message.closed_by)}")
    if message.why:
        lines.append(f"because: {_line(message.why)}")
    lines += ["", "evidence:", *evidence_lines(message.facts)] if message.facts else []
    lines += ["", f"what to do: docs/runbooks/{message.row.runbook}.md", ""]
    return "\n".join(lines)


def alert(message: Message) -> Json:
    """Return it as Alertmanager's API takes it (v2, POST /api/v2/alerts): one alert, firing until it is closed."""
    ends_ms = message.opened_ms + STANDS_MS if message.closed_ms is None else message.closed_ms
    return [
        {
            "labels": {
                "alertname": "ProofgridIncident",
                "kind": message.row.kind,
                "subject": _line(message.subject),
                "severity": str(message.row.severity),
                "network": message.network,
                "incident": str(message.incident_id),
            },
            "annotations": {
                "summary": headline(message),
                "description": _line(message.detail),
                "act": _line(message.acted or message.row.does),
                "runbook": f"docs/runbooks/{message.row.runbook}.md",
            },
            "startsAt": moment(message.opened_ms),
            "endsAt": moment(ends_ms),
        }
    ]


def event(message: Message) -> Json:
    """Return it as the body of a Standard Webhook."""
    return {
        "type": f"incident.{message.change}",
        "timestamp_ms": message.changed_ms,
        "data": {
            "network": message.network,
            "incident_id": message.incident_id,
            "kind": message.row.kind,
            "severity": str(message.row.severity),
            "subject": message.subject,
            "detail": message.detail,
            "opened_ms": message.opened_ms,
            "closed_ms": message.closed_ms,
            "closed_by": message.closed_by,
            "why": message.why,
            "act": message.acted or message.row.does,
            "until_ms": message.until_ms,
            "runbook": message.row.runbook,
            "facts": dict(message.facts),
        },
    }


def evidence_lines(facts: Mapping[str, Json]) -> list[str]:
    """Return facts as lines, the first so many."""
    return [f"  {_line(name)}: {_line(str(value))}" for name, value in sorted(facts.items())[:EVIDENCE_MAX]]


def _line(text: str) -> str:
    return one_line(text)[:LINE_CHARS_MAX]
