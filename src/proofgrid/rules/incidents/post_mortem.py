"""The draft of a post-mortem, in Markdown: what the network knows of an incident, and the questions people answer.

What others wrote cannot be Markdown in it: every character that could begin something is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofgrid.primitives.plain_text import one_line
from proofgrid.rules.incidents.moments import moment
from proofgrid.rules.incidents.telling import Change, Message, TellingState, evidence_lines

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&=:@/])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happened to an incident, at a moment; `by`: an address, the network, a channel."""

    at_ms: int
    what: str
    by: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class TellingLine:
    """Somebody was told, or is to be."""

    change: Change
    channel: str
    state: TellingState
    attempts: int
    answer: str
    at_ms: int


def timeline(
    message: Message, changes: Sequence[tuple[Change, int, str]], told: Iterable[TellingLine], *, signal_ms: int
) -> list[Step]:
    """Return what happened, in order. `changes`: what, when, why; `signal_ms`: when it could be seen first."""
    steps = [Step(at_ms=signal_ms, what="the signal was there", said=message.row.signal)]
    for change, at_ms, why in changes:
        if change is Change.OPENED:
            steps.append(Step(at_ms=at_ms, what="opened", by="network", said=message.detail))
        elif change is Change.ACTED:
            steps.append(Step(at_ms=at_ms, what="acted", by="network", said=message.acted))
        else:
            steps.append(Step(at_ms=at_ms, what="closed", by=message.closed_by, said=why))
    for one in told:
        what = f"told of {one.change}" if one.state is TellingState.TOLD else f"telling of {one.change} {one.state}"
        steps.append(Step(at_ms=one.at_ms, what=what, by=one.channel, said=one.answer))
    return sorted(steps, key=lambda step: step.at_ms)


def draft(message: Message, steps: Sequence[Step]) -> str:
    """Return the draft: facts filled in, questions left to people."""
    row = message.row
    lasted = "it is open" if message.closed_ms is None else _span(message.closed_ms - message.opened_ms)
    lines = [
        f"# Incident {message.incident_id}: {_plain(row.kind.replace('_', ' '))}, {_plain(message.subject)}",
        "",
        f"* Network: `{message.network}`",
        f"* Opened: {moment(message.opened_ms)}; lasted: {lasted}",
        f"* Severity: {row.severity}",
        f"* Signal: {_plain(row.signal)}; threshold: {_plain(row.threshold)}",
        f"* Act: {_plain(message.acted or row.does)}",
        f"* Runbook: `docs/runbooks/{row.runbook}.md`",
        "",
        "## Summary",
        "",
        _plain(message.detail),
        "",
        "TODO: what did clients and operators notice, from when to when?",
        "",
        "## Timeline",
        "",
        "| when (UTC) | what | by | |",
        "|---|---|---|---|",
        *[
            f"| {moment(step.at_ms)} | {_plain(step.what)} | {_plain(step.by)} | {_plain(step.said)} |"
            for step in steps
        ],
        "",
        "## Evidence",
        "",
        *[f"    {line.strip()}" for line in evidence_lines(message.facts) or ["none was counted"]],
        "",
    ]
    for heading, question in (
        ("Cause", "TODO: why could it happen, and why just then?"),
        (
            "What went well, what did not",
            "TODO: how long from signal to act, and to the repair? What was in the way?",
        ),
        ("What follows", "TODO: what is changed, by whom, until when?"),
    ):
        lines += [f"## {heading}", "", question, ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(text))


def _span(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1_000
    hours, minutes = seconds // 3_600, seconds // 60 % 60
    return f"{hours} h {minutes} min {seconds % 60} s"
