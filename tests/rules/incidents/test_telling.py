"""What is said of incidents: strangers' words are one escaped line, an alert fires until it is over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.rules.incidents.kinds import KINDS, kind_of
from proofgrid.rules.incidents.moments import moment
from proofgrid.rules.incidents.post_mortem import TellingLine, draft, timeline
from proofgrid.rules.incidents.telling import (
    BACKOFF_SECONDS,
    LINE_CHARS_MAX,
    Change,
    Message,
    TellingState,
    alert,
    body,
    event,
    headline,
    state_after,
)
from tests.makers import a_key

NOW_MS = 1_796_000_000_000
EVIL = "x\r\nBcc: all@example.org\r\n\r\n| # <b>[a](b)</b> \u202e"


def a_message(**changes: Any) -> Message:
    """Return an open incident that was just opened."""
    message = Message(
        network=a_key(1).address,
        incident_id=7,
        row=kind_of("invalid_proofs"),
        subject=EVIL,
        detail=EVIL,
        change=Change.OPENED,
        opened_ms=NOW_MS,
        changed_ms=NOW_MS,
        closed_ms=None,
        closed_by="",
        why="",
        acted="",
        until_ms=None,
        facts={"invalid": 5, EVIL: EVIL},
    )
    return replace(message, **changes)


@pytest.mark.parametrize("kind", [*KINDS, "unheard of"])
def test_every_kind_can_be_said_in_every_way(kind: str) -> None:
    message = a_message(row=kind_of(kind))

    assert kind.replace("_", " ") in headline(message)
    assert message.row.runbook in body(message)
    json.dumps([alert(message), event(message)])


@settings(deadline=None, derandomize=True, max_examples=100)
@given(text=st.text(max_size=500))
def test_a_headline_is_one_short_line_whatever_strangers_wrote(text: str) -> None:
    said = headline(a_message(subject=text, detail=text))

    assert len(said.splitlines()) == 1
    assert len(said) <= LINE_CHARS_MAX


def test_no_line_of_a_body_is_a_strangers() -> None:
    plain = body(a_message(subject="s", detail="d", facts={"invalid": 5, "x": "y"}))

    assert len(body(a_message()).splitlines()) == len(plain.splitlines())


def the_alert(message: Message) -> Any:
    """Return the one alert that is made of a message."""
    found: Any = alert(message)
    [one] = found
    return one


def test_an_alert_fires_until_the_incident_is_over() -> None:
    firing, over = the_alert(a_message()), the_alert(a_message(change=Change.CLOSED, closed_ms=NOW_MS + 1_000))

    assert firing["labels"] == over["labels"]
    assert firing["endsAt"] > firing["startsAt"]
    assert over["endsAt"] > over["startsAt"]
    assert over["endsAt"] < firing["endsAt"]


def test_what_is_not_taken_is_said_again_until_no_try_is_left() -> None:
    assert state_after(204, 1) == (TellingState.TOLD, 0)
    assert [state_after(0, one)[1] // 1_000 for one in range(1, 11)] == list(BACKOFF_SECONDS)
    assert state_after(500, len(BACKOFF_SECONDS) + 1)[0] is TellingState.FAILED


def test_a_message_has_one_name_for_each_change() -> None:
    names = [a_message(change=change).name for change in Change]

    assert len(set(names)) == 3
    assert all(name.replace("_", "").isalnum() for name in names)


def test_a_timeline_is_in_order_and_says_who_was_told() -> None:
    message = a_message(change=Change.CLOSED, acted="3 provers paused", closed_ms=NOW_MS + 90_000, closed_by="0xadmin")
    told = [TellingLine(Change.OPENED, "mail", TellingState.TOLD, 1, "250 taken", NOW_MS + 2_000)]
    changes = [
        (Change.OPENED, NOW_MS, ""),
        (Change.ACTED, NOW_MS + 1_000, ""),
        (Change.CLOSED, NOW_MS + 90_000, "mended"),
    ]

    steps = timeline(message, changes, told, signal_ms=NOW_MS - 3_000)

    assert [(one.what, one.by) for one in steps] == [
        ("the signal was there", ""),
        ("opened", "network"),
        ("acted", "network"),
        ("told of opened", "mail"),
        ("closed", "0xadmin"),
    ]
    assert steps[-1].said == "mended"


def test_a_draft_has_the_facts_and_nothing_of_a_stranger_is_markup() -> None:
    message = a_message(change=Change.CLOSED, closed_ms=NOW_MS + 3_725_000, closed_by="0xadmin")
    text = draft(message, timeline(message, [(Change.OPENED, NOW_MS, "")], [], signal_ms=NOW_MS))

    assert text.startswith("# Incident 7: invalid proofs, x")
    assert "1 h 2 min 5 s" in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        text.splitlines()[0],
        "## Summary",
        "## Timeline",
        "## Evidence",
        "## Cause",
        "## What went well, what did not",
        "## What follows",
    ]
    assert "[a](b)" not in "\n".join(line for line in text.splitlines() if not line.startswith("    "))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(at=st.datetimes(datetime(1970, 1, 1), datetime(2300, 1, 1)))  # noqa: DTZ001 - Hypothesis wants them so
def test_moments_are_those_of_the_calendar(at: datetime) -> None:
    exact = at.replace(microsecond=at.microsecond // 1_000 * 1_000, tzinfo=UTC)

    said = moment(round(exact.timestamp() * 1_000))

    assert datetime.fromisoformat(said) == exact
