"""Terms of firm quotes, and who answers for a miss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from proofgrid.primitives.errors import (
    AttemptsExhausted,
    DeadlineMissed,
    InvalidField,
    NoFirmQuote,
    TaskCancelled,
    Unprovable,
)
from proofgrid.rules.jobs.lifecycle import LeaseState, TaskState
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.market.firm_quote import (
    HOLD_MS_DEFAULT,
    QUOTE_OPEN,
    QUOTE_TRANSITIONS,
    SEAT_TRANSITIONS,
    SLACK_MS,
    FirmPolicy,
    FirmTerms,
    QuoteEvent,
    QuoteState,
    SeatEvent,
    SeatOutcome,
    SeatState,
    check_hold,
    event_of_ended_task,
    event_of_seat,
    firm_terms,
)
from proofgrid.rules.market.reserves import Seat, SoldAhead

POLICY = FirmPolicy()


def a_seat(position: int = 0, operator: str = "0xa", units: int = 50) -> Seat:
    lane, prover_id = "default/toy/small", f"{operator}/p"
    return Seat(position=position, lane=lane, units=units, memory_bytes=1, prover_id=prover_id, operator=operator)


def sold_ahead(**changes: Any) -> SoldAhead:
    seats = (a_seat(), a_seat(1, "0xb"))
    return replace(SoldAhead(buy_price=1_000, sell_price=900, seats=seats, expected_ms=2_000, record=""), **changes)


def test_the_terms_follow_from_what_the_reserves_were_sold_for() -> None:
    terms = firm_terms(sold_ahead(), POLICY, hold_ms=120_000)
    assert terms == FirmTerms(
        units=100,
        cost=100_000,
        premium=1_000,  # two minutes at half a percent
        penalty=20_000,
        buy_price=1_000,
        sell_price=900,
        hold_ms=120_000,
        within_ms=3 * 2_000 + SLACK_MS,
    )
    assert terms.pledge == 140_000


@pytest.mark.parametrize(
    ("hold_ms", "minutes"), [(1_000, 1), (60_000, 1), (60_001, 2), (119_999, 2), (120_000, 2), (120_001, 3)]
)
def test_a_minute_that_has_begun_is_paid(hold_ms: int, minutes: int) -> None:
    assert firm_terms(sold_ahead(), POLICY, hold_ms=hold_ms).premium == minutes * 100_000 * 5 // 1_000


@pytest.mark.parametrize("changes", [{"expected_ms": 10**9}, {"buy_price": 2**58}])
def test_what_takes_too_long_or_is_too_much_is_not_promised(changes: dict[str, int]) -> None:
    with pytest.raises(NoFirmQuote):
        firm_terms(sold_ahead(**changes), POLICY, hold_ms=60_000)


def test_a_quote_is_held_for_a_second_to_as_long_as_the_network_allows() -> None:
    assert check_hold(0, POLICY) == HOLD_MS_DEFAULT
    assert check_hold(1_000, POLICY) == 1_000
    for wrong in (999, POLICY.hold_ms_max + 1):
        with pytest.raises(InvalidField):
            check_hold(wrong, POLICY)


@pytest.mark.parametrize(
    ("state", "code", "event"),
    [
        (TaskState.DONE, "", QuoteEvent.KEPT),
        (TaskState.CANCELLED, TaskCancelled.code, QuoteEvent.GIVEN_UP),
        (TaskState.FAILED, Unprovable.code, QuoteEvent.GIVEN_UP),
        (TaskState.FAILED, DeadlineMissed.code, QuoteEvent.MISSED),
        (TaskState.FAILED, AttemptsExhausted.code, QuoteEvent.MISSED),
    ],
)
def test_what_the_client_did_is_no_miss(state: TaskState, code: str, event: QuoteEvent) -> None:
    assert event_of_ended_task(state, code) is event


def test_every_open_quote_can_end_and_no_ended_one_can_change() -> None:
    assert {state for state, _ in QUOTE_TRANSITIONS} == set(QUOTE_OPEN)
    ends = {state for state in QUOTE_TRANSITIONS.values() if state is not QuoteState.REDEEMED}
    assert ends == set(QuoteState) - set(QUOTE_OPEN)


def test_every_open_seat_can_end_and_no_ended_one_can_change() -> None:
    live = {SeatState.RESERVED, SeatState.GRANTED, SeatState.ABSENT}
    assert {state for state, _ in SEAT_TRANSITIONS} == live
    assert set(SEAT_TRANSITIONS.values()) == set(SeatState) - {SeatState.RESERVED}
    for state in (SeatState.GRANTED, SeatState.ABSENT):
        assert {on for (at, on) in SEAT_TRANSITIONS if at is state} == {
            SeatEvent.DELIVERED,
            SeatEvent.OWED,
            SeatEvent.LET_GO,
        }


LATE, GAVE_UP = DeadlineMissed.code, AttemptsExhausted.code
EXPIRED, FAILED, STOPPED = LeaseState.EXPIRED, LeaseState.FAILED, LeaseState.STOPPED


@pytest.mark.parametrize(
    ("changes", "code", "event"),
    [
        ({"is_delivered": True}, LATE, SeatEvent.DELIVERED),
        # at the promised time everybody without a proof answers, whatever he was doing
        ({}, LATE, SeatEvent.OWED),
        ({"lease_state": None, "state": SeatState.ABSENT}, LATE, SeatEvent.OWED),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.DECLINED}, LATE, SeatEvent.OWED),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.UNCONFIRMED}, LATE, SeatEvent.OWED),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.FALSE_EXCUSE}, LATE, SeatEvent.OWED),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.REFUTED}, LATE, SeatEvent.OWED),
        ({"lease_state": EXPIRED, "lease_reason": ReturnReason.NOT_STARTED}, LATE, SeatEvent.OWED),
        # but not for what the gateway saw itself
        ({"lease_state": FAILED, "lease_reason": ReturnReason.STORE_FAULT}, LATE, SeatEvent.LET_GO),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.ARTIFACT_LOST}, GAVE_UP, SeatEvent.LET_GO),
        # before it only those who brought it about
        ({}, GAVE_UP, SeatEvent.LET_GO),
        ({"lease_state": None, "state": SeatState.ABSENT}, GAVE_UP, SeatEvent.OWED),
        ({"lease_state": EXPIRED, "lease_reason": ReturnReason.PROVER_LOST}, GAVE_UP, SeatEvent.OWED),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.CHILD_CRASHED}, GAVE_UP, SeatEvent.OWED),
        # a result that nobody judged in time was in time, one that is no proof was none
        ({"was_reported": True}, LATE, SeatEvent.LET_GO),
        ({"was_reported": True, "lease_state": FAILED, "lease_reason": ReturnReason.BAD_PROOF}, LATE, SeatEvent.OWED),
        # clients choose inputs: who cannot prove one answers for it only when somebody else did
        ({"lease_state": FAILED, "lease_reason": ReturnReason.UNPROVABLE}, LATE, SeatEvent.LET_GO),
        ({"lease_state": FAILED, "lease_reason": ReturnReason.UNPROVABLE, "is_proven": True}, LATE, SeatEvent.OWED),
        # who was late for others answers although it delivered, who waited for it and has no proof does not
        ({"is_delivered": True, "is_late": True}, LATE, SeatEvent.OWED),
        ({"is_delivered": True, "is_late": True}, GAVE_UP, SeatEvent.DELIVERED),
        ({"is_delivered": True}, LATE, SeatEvent.DELIVERED),
        ({"began_late": True}, LATE, SeatEvent.LET_GO),
        ({"began_late": True, "lease_state": FAILED, "lease_reason": "child_crashed"}, LATE, SeatEvent.OWED),
        # whose turn never came is not to blame, whatever else happened
        ({"state": SeatState.RESERVED, "lease_state": None}, LATE, SeatEvent.LET_GO),
        ({"state": SeatState.RESERVED, "lease_state": None}, GAVE_UP, SeatEvent.LET_GO),
    ],
)
def test_who_was_to_deliver_and_did_not_answers_for_a_miss(
    changes: dict[str, Any], code: str, event: SeatEvent
) -> None:
    seat = SeatOutcome(
        position=0,
        operator="0xa",
        units=1,
        state=SeatState.GRANTED,
        is_delivered=False,
        lease_state=STOPPED,
        lease_reason="gave_up",
        was_reported=False,
        is_proven=False,
    )
    assert event_of_seat(replace(seat, **changes), QuoteEvent.MISSED, code) is event
    if event is SeatEvent.OWED:
        let_go = SeatEvent.DELIVERED if changes.get("is_delivered") else SeatEvent.LET_GO
        for other in (QuoteEvent.KEPT, QuoteEvent.GIVEN_UP):
            assert event_of_seat(replace(seat, **changes), other, code) is let_go
