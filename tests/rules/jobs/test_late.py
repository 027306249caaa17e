"""What a late proof is paid: never more than agreed, the client never pays more, and the surplus whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.late import LATE_MS_MAX, LATE_RULES, Prices, is_taken_late, late_prices, may_be_paid
from proofgrid.rules.jobs.lifecycle import JobEvent, LeaseEvent, job_sources, lease_sources
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.ledger.accounts import Ledger, client_account, escrow_account, operator_account
from proofgrid.rules.ledger.settlement import deposit, escrow, fees_of, pay_for_proof, refund

prices = st.builds(lambda sell, more: Prices(buy=sell + more, sell=sell), st.integers(1, 10**9), st.integers(0, 10**9))
late_reasons = st.sampled_from(sorted(LATE_RULES))
CLIENT, OPERATOR = Address("0xc1"), Address("0xop")


@given(late_reasons, prices)
def test_the_operator_gets_its_share_the_client_keeps_the_rest_and_the_surplus_is_whole(
    reason: str, agreed: Prices
) -> None:
    paid = late_prices(reason, agreed)
    assert 1 <= paid.sell <= agreed.sell
    assert paid.buy - paid.sell == agreed.buy - agreed.sell
    assert paid.sell * 1_000 >= agreed.sell * LATE_RULES[reason].price_permille > (paid.sell - 1) * 1_000


@given(late_reasons, prices, st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 1_000))
def test_money_is_conserved_and_nothing_leaves_the_jobs_own_escrow(
    reason: str, agreed: Prices, units: int, more: int, fee_permille: int
) -> None:
    limit = agreed.buy + more
    ledger = Ledger()
    ledger.post(deposit(deposit_id="d", client=CLIENT, amount=limit * units))
    ledger.post(escrow(task_id="t", client=CLIENT, limit_price=limit, units=units))
    paid = late_prices(reason, agreed)
    payments = pay_for_proof(
        task_id="t",
        job_id="j",
        operator=OPERATOR,
        units=units,
        buy_price=paid.buy,
        sell_price=paid.sell,
        lane="l",
        round_number=1,
    )
    transfers = payments + fees_of(payments, fee_permille=fee_permille)
    assert len(ledger.post(transfers)) == len(transfers)
    assert not ledger.post(transfers)  # never twice
    rest = ledger.balance(escrow_account("t"))
    assert rest == (limit - paid.buy) * units
    ledger.post(refund(task_id="t", client=CLIENT, remaining=rest))
    assert sum(ledger.balances.values()) == 0
    assert ledger.balance(client_account(CLIENT)) == (limit - agreed.buy + agreed.sell - paid.sell) * units
    assert ledger.balance(operator_account(OPERATOR)) <= agreed.sell * units


@given(prices)
def test_a_price_is_the_rounds_or_one_of_the_table(agreed: Prices) -> None:
    allowed = {agreed} | {late_prices(reason, agreed) for reason in LATE_RULES}
    assert all(may_be_paid(one, agreed) for one in allowed)
    others = [
        Prices(buy=one.buy + buy, sell=one.sell + sell) for one in allowed for buy, sell in ((1, 0), (0, -1), (1, 1))
    ]
    assert not any(may_be_paid(one, agreed) for one in others if one not in allowed)


def test_only_leases_that_nobody_gave_back_are_taken_late_and_only_so_long() -> None:
    taken = {reason for reason in ReturnReason if is_taken_late(reason, reported=True, ended_for_ms=0)}
    assert taken == {"not_picked_up", "not_started", "prover_lost", "timed_out", "store_fault"} == set(LATE_RULES)
    assert not is_taken_late("store_fault", reported=False, ended_for_ms=0)  # its prover said so, and had no result
    for reason, rule in LATE_RULES.items():
        assert is_taken_late(reason, reported=True, ended_for_ms=rule.within_ms)
        assert not is_taken_late(reason, reported=True, ended_for_ms=rule.within_ms + 1)
        assert rule.within_ms <= LATE_MS_MAX
    assert not is_taken_late("cancelled", reported=True, ended_for_ms=0)


def test_what_is_not_taken_has_no_price() -> None:
    for reason, agreed in (("bad_proof", Prices(buy=2, sell=1)), ("timed_out", Prices(buy=1, sell=2))):
        with pytest.raises(InvalidField):
            late_prices(reason, agreed)


def test_a_late_proof_takes_a_job_that_waits_and_a_lease_that_is_over() -> None:
    assert job_sources(JobEvent.LATE_PROOF_ACCEPTED) == ["ready"]
    assert lease_sources(LeaseEvent.SETTLED_LATE) == ["expired", "failed"]
