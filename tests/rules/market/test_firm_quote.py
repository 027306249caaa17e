"""Terms of firm quotes, and who gets what they hold when they end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import (
    AttemptsExhausted,
    DeadlineMissed,
    InvalidField,
    NoFirmQuote,
    TaskCancelled,
    Unprovable,
)
from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.rules.ledger.accounts import MINT, TREASURY, Ledger, client_account, escrow_account, quote_account
from proofgrid.rules.ledger.firm_quotes import redeem_quote, return_escrow, sell_quote, settle_quote, share_out
from proofgrid.rules.ledger.settlement import deposit, fund_treasury
from proofgrid.rules.market.firm_quote import (
    HOLD_MS_DEFAULT,
    QUOTE_OPEN,
    QUOTE_TRANSITIONS,
    SLACK_MS,
    FirmPolicy,
    FirmTerms,
    QuoteEvent,
    QuoteState,
    event_of_ended_task,
    firm_terms,
)
from proofgrid.rules.market.quote import CHANCES_PERCENT, LaneQuote

CLIENT = Address("0xc1")
POLICY = FirmPolicy(are_sold=True)


def a_lane(**changes: Any) -> LaneQuote:
    values: dict[str, Any] = {"lane": "default/toy/small", "jobs": 2, "units": 100, "memory_bytes_max": 1}
    values |= {"price_now": 1_000, "prices": dict.fromkeys(CHANCES_PERCENT, 900), "provers": 3, "free_slots": 3}
    return LaneQuote(**(values | {"wait_ms": 1_000, "prove_ms": 2_000} | changes))


def test_the_terms_follow_from_the_dearer_of_price_now_and_what_sells_nine_times_of_ten() -> None:
    terms = firm_terms([a_lane()], POLICY, hold_ms=120_000)
    assert terms == FirmTerms(
        units=100,
        cost=110_000,  # 1,000 and a tenth on top, per unit
        premium=1_100,  # two minutes at half a percent
        penalty=22_000,
        limit_price=2_200,
        hold_ms=120_000,
        within_ms=3 * 3_000 + SLACK_MS,
    )
    dearer = firm_terms([a_lane(prices={50: 900, 90: 2_000, 99: 9_000})], POLICY, hold_ms=120_000)
    assert dearer.cost == 220_000


@pytest.mark.parametrize(
    ("hold_ms", "minutes"), [(1_000, 1), (60_000, 1), (60_001, 2), (119_999, 2), (120_000, 2), (120_001, 3)]
)
def test_a_minute_that_has_begun_is_paid(hold_ms: int, minutes: int) -> None:
    assert firm_terms([a_lane()], POLICY, hold_ms=hold_ms).premium == minutes * 110_000 * 5 // 1_000


def test_lanes_have_prices_of_their_own_and_the_dearest_one_limits_what_is_bid() -> None:
    cheap, dear = a_lane(), a_lane(lane="default/toy/large", price_now=3_000, units=10, prove_ms=9_000)
    terms = firm_terms([cheap, dear], POLICY, hold_ms=0)
    assert (terms.units, terms.cost, terms.limit_price) == (110, 110_000 + 33_000, 6_600)
    assert terms.within_ms == 3 * 10_000 + SLACK_MS
    assert terms.hold_ms == HOLD_MS_DEFAULT


def test_what_others_hold_is_waited_for_as_if_it_came() -> None:
    free = firm_terms([a_lane()], POLICY, hold_ms=0)
    assert firm_terms([a_lane(promised_ms=5_000)], POLICY, hold_ms=0).within_ms == free.within_ms + 3 * 5_000


@pytest.mark.parametrize(
    ("lane", "policy", "hold_ms", "error"),
    [
        ({}, FirmPolicy(), 0, NoFirmQuote),
        ({"price_now": None}, POLICY, 0, NoFirmQuote),
        ({"wait_ms": 10**9}, POLICY, 0, NoFirmQuote),
        ({"units": 2**31 - 1, "price_now": 2**40}, POLICY, 0, NoFirmQuote),
        ({}, POLICY, 999, InvalidField),
        ({}, POLICY, POLICY.hold_ms_max + 1, InvalidField),
    ],
)
def test_what_cannot_be_promised_is_refused(
    lane: dict[str, Any], policy: FirmPolicy, hold_ms: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        firm_terms([a_lane(**lane)], policy, hold_ms=hold_ms)


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
def test_the_network_answers_for_what_is_not_the_clients_doing(state: TaskState, code: str, event: QuoteEvent) -> None:
    assert event_of_ended_task(state, code) is event


def test_every_open_quote_can_end_and_no_ended_one_can_change() -> None:
    assert {state for state, _ in QUOTE_TRANSITIONS} == set(QUOTE_OPEN)
    ends = {state for state in QUOTE_TRANSITIONS.values() if state is not QuoteState.REDEEMED}
    assert ends == set(QuoteState) - set(QUOTE_OPEN)


terms_of_any_size = st.builds(
    FirmTerms,
    units=st.integers(1, 2**20),
    cost=st.integers(0, 2**40),
    premium=st.integers(0, 2**40),
    penalty=st.integers(0, 2**40),
    limit_price=st.integers(1, 2**20),
    hold_ms=st.just(1),
    within_ms=st.just(1),
)


@given(terms_of_any_size, st.sampled_from(QuoteEvent), st.integers(0, 1_000))
def test_what_was_set_aside_is_enough_for_whatever_follows_and_nothing_is_left(
    terms: FirmTerms, event: QuoteEvent, spent_permille: int
) -> None:
    if event is QuoteEvent.REDEEMED:
        return
    ledger = Ledger()
    ledger.post(deposit(deposit_id="d", client=CLIENT, amount=terms.cost + terms.premium + 1))
    ledger.post(fund_treasury(deposit_id="t", amount=terms.reserve))
    before = ledger.balance(client_account(CLIENT))
    ledger.post(sell_quote(quote_id="q", client=CLIENT, terms=terms))

    spent, task_id = 0, None
    if event is not QuoteEvent.EXPIRED:
        task_id, spent = "t", terms.escrow * spent_permille // 1_000
        ledger.post(redeem_quote(quote_id="q", task_id=task_id, escrow=terms.escrow))
        [paid] = deposit(deposit_id="x", client=CLIENT, amount=1)
        ledger.post([replace(paid, transfer_id="pay", debit=escrow_account(task_id), credit=MINT, amount=spent)])
        ledger.post(return_escrow(quote_id="q", task_id=task_id, rest=terms.escrow - spent))
    shares = share_out(event, cost=terms.cost, penalty=terms.penalty, escrow=terms.escrow, spent=spent)
    ledger.post(settle_quote(shares, quote_id="q", task_id=task_id, client=CLIENT))

    gained = ledger.balance(client_account(CLIENT)) - before
    assert gained == shares.refunded + shares.penalty - terms.cost - terms.premium
    assert ledger.balance(quote_account("q")) == ledger.balance(escrow_account("t")) == 0
    assert shares.charged + shares.refunded == terms.cost
    assert ledger.balance(TREASURY) >= terms.premium
    match event:
        case QuoteEvent.KEPT:
            assert gained == -terms.cost - terms.premium
        case QuoteEvent.MISSED:
            assert gained == terms.penalty - terms.premium
        case QuoteEvent.EXPIRED:
            assert gained == -terms.premium
        case _:
            assert gained == -terms.premium - min(terms.cost, spent)
