"""The table of incidents says all that it promises, and its acts end."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.rules.incidents.kinds import KINDS, Act, Ends, IncidentKind, kind_of
from proofgrid.rules.incidents.lifecycle import (
    INCIDENT_TRANSITIONS,
    IncidentEvent,
    IncidentState,
    acts_by_standing,
    quiet_ms,
    state_of,
)
from tools.incident_table import PAGE, written

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
EVERY = pytest.mark.parametrize("row", KINDS.values(), ids=lambda row: row.kind)


@EVERY
def test_a_row_says_what_it_promises(row: IncidentKind) -> None:
    assert row.signal
    assert row.threshold
    assert row.does
    assert row.told
    assert row.stranger
    assert row.subject


@EVERY
def test_what_ends_by_time_holds_for_longer_each_time_and_not_for_ever(row: IncidentKind) -> None:
    if row.ends is not Ends.BY_TIME:
        assert quiet_ms(row, 5) == 0
        return
    assert quiet_ms(row, 0) == row.first_ms > 0
    assert quiet_ms(row, 1) == min(2 * row.first_ms, row.longest_ms)
    assert quiet_ms(row, 10**9) == row.longest_ms
    assert row.forgotten_ms >= row.longest_ms


def test_operations_has_the_table_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page, "python -m tools.incident_table"


@EVERY
def test_every_kind_has_its_runbook(row: IncidentKind) -> None:
    assert (RUNBOOKS / f"{row.runbook}.md").is_file()


def test_only_what_moves_money_wrongly_stops_settlement() -> None:
    assert {row.kind for row in KINDS.values() if row.stops_settlement} == {
        "sum",
        "balance",
        "payment",
        "escrow",
        "rest",
        "quote",
    }


def test_every_act_is_somebodys() -> None:
    assert {row.act for row in KINDS.values()} == set(Act)


def test_a_kind_of_another_release_is_told_and_ends_by_hand() -> None:
    strange = kind_of("made up")
    assert (strange.act, strange.ends) == (Act.TELL, Ends.BY_HAND)
    assert acts_by_standing(strange)


def test_a_closed_incident_stays_closed_and_every_state_is_reached() -> None:
    assert not [state for state, _ in INCIDENT_TRANSITIONS if state is IncidentState.CLOSED]
    assert set(INCIDENT_TRANSITIONS.values()) == set(IncidentState) - {IncidentState.OPENED}
    assert {event for _, event in INCIDENT_TRANSITIONS} == set(IncidentEvent)


def test_an_act_that_was_not_done_is_not_over() -> None:
    assert (IncidentState.OPENED, IncidentEvent.OVER) not in INCIDENT_TRANSITIONS


def test_a_state_is_what_the_times_of_a_row_say() -> None:
    assert state_of(acted_ms=None, closed_ms=None) is IncidentState.OPENED
    assert state_of(acted_ms=1, closed_ms=None) is IncidentState.STANDING
    assert state_of(acted_ms=1, closed_ms=2) is IncidentState.CLOSED
    assert state_of(acted_ms=None, closed_ms=2) is IncidentState.CLOSED
