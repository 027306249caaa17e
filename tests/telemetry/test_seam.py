"""Everything that a process does passes one place, which tells all who observe it."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from proofgrid.primitives.errors import InvalidField
from proofgrid.telemetry.metrics.of_gateway import CALL_SECONDS, CALLS_FAILED, CALLS_REFUSED, LOOP_SECONDS, LOOPS_FAILED
from proofgrid.telemetry.seam import Span, observed_by, span


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


def test_what_ends_is_counted_and_who_was_cancelled_did_not_fail() -> None:
    counted, failed = LOOP_SECONDS.count("watch of a test"), LOOPS_FAILED.of("watch of a test")
    for error in (None, KeyError("gone"), asyncio.CancelledError()):
        with pytest.raises(type(error)) if error else span("call", "other"), span("loop", "watch of a test"):
            if error:
                raise error
    assert LOOP_SECONDS.count("watch of a test") - counted == 3
    assert LOOPS_FAILED.of("watch of a test") - failed == 1


def test_an_error_that_is_dealt_with_inside_is_logged_in_its_own_words_and_counted_by_whose_mistake_it_was() -> None:
    before = CALLS_REFUSED.of("PG-101"), CALLS_FAILED.of("Submit of a test"), CALL_SECONDS.count("Submit of a test")
    with capture_logs() as logs:
        with span("call", "Submit of a test") as current:
            current.failed(InvalidField("no"), "info", "call_refused", call="Submit", code="PG-101")
        with span("call", "Submit of a test") as current:
            current.failed(KeyError("gone"), "error", "call_failed")
    after = CALLS_REFUSED.of("PG-101"), CALLS_FAILED.of("Submit of a test"), CALL_SECONDS.count("Submit of a test")
    assert logs[0] == {"event": "call_refused", "log_level": "info", "call": "Submit", "code": "PG-101"}
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 2]
