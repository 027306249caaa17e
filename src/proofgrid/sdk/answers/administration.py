"""What administrators get: who may do what, what went wrong, and the network's own jobs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key on the access list."""

    address: str = ""
    roles: tuple[str, ...] = ()  #: client, operator, admin
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterTry:
    """A prover that tried, and how that ended."""

    slice: int = 0
    input: int = 0
    prover: str = ""
    operator: str = ""
    reason: str = ""  #: rules/jobs/retry.py
    detail: str = ""
    ended_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A task that nobody could prove."""

    task_id: str = ""
    client: str = ""
    program_digest: str = ""
    code: str = ""
    detail: str = ""
    failed_ms: int = 0
    replay_of: str = ""  #: the task that this one was a replay of
    replayed_as: str = ""  #: the task that this one was replayed as
    tries: tuple[DeadLetterTry, ...] = ()  #: oldest first; not in lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """What the network noticed by itself, and what it did."""

    incident_id: int = 0
    kind: str = ""  #: docs/operations.md has the table of kinds
    subject: str = ""  #: what it is about
    detail: str = ""
    opened_ms: int = 0
    closed_ms: int = 0  #: 0: open
    closed_by: str = ""
    stops_settlement: bool = False  #: while it is open
    acted_ms: int = 0  #: 0: its act is not done yet
    acted: str = ""  #: what was done
    until_ms: int = 0  #: it ends by itself then; 0: it does not
    ends: str = ""  #: by_hand, by_time, when_over
    severity: str = ""  #: page, ticket
    runbook: str = ""  #: docs/runbooks/….md


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStep:
    """Something that happened to an incident, at a moment."""

    at_ms: int = 0
    what: str = ""
    by: str = ""  #: an address, the network, a channel
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """What the network knows of an incident, and the questions that people answer."""

    incident_id: int = 0
    draft: str = ""  #: Markdown
    steps: tuple[IncidentStep, ...] = ()  #: in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A job that the network sends itself."""

    canary_id: str = ""
    program_digest: str = ""
    first_task: str = ""
    state: str = ""  #: of that task: canaries are sent when it is done
    sent: int = 0
    added_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """All of them, and what there is to pay them from."""

    canaries: tuple[Canary, ...] = ()
    treasury: int = 0  #: base units
