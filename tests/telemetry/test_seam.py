"""Everything that a process does passes one place, which tells all who observe it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from proofgrid.telemetry.seam import Span, Totals, observed_by, span


def test_observers_are_told_of_what_ends_with_its_name_its_time_and_its_error() -> None:
    ended: list[Span] = []
    with observed_by(ended.append):
        with span("call", "Submit"):
            pass
        with pytest.raises(KeyError), span("transaction", "hold_round"):
            raise KeyError("gone")
    with span("call", "Submit"):
        pass
    assert [(one.kind, one.name, type(one.error)) for one in ended] == [
        ("call", "Submit", type(None)),
        ("transaction", "hold_round", KeyError),
    ]
    assert all(one.seconds >= 0 for one in ended)


def test_totals_count_what_ended_and_who_was_cancelled_did_not_fail() -> None:
    totals = Totals()
    with observed_by(totals):
        for error in (None, KeyError("gone"), asyncio.CancelledError()):
            with pytest.raises(type(error)) if error else span("call", "other"), span("loop", "watch"):
                if error:
                    raise error
    watch = totals.of("loop", "watch")
    assert (watch.count, watch.failures) == (3, 1)
    assert [(kind, name) for kind, name, _ in totals] == [("call", "other"), ("loop", "watch")]
    assert totals.of("loop", "unknown").count == 0


def test_an_error_that_is_dealt_with_inside_is_counted_and_logged_in_its_own_words() -> None:
    totals = Totals()
    with capture_logs() as logs, observed_by(totals), span("call", "Submit") as current:
        current.failed(KeyError("gone"), "info", "call_refused", call="Submit", code="PG-101")
    assert logs == [{"event": "call_refused", "log_level": "info", "call": "Submit", "code": "PG-101"}]
    assert totals.of("call", "Submit").failures == 1
