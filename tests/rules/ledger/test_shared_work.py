"""Paying for work that gave no proof: the hedge that lost, and inputs that cannot be proven."""

from __future__ import annotations

import pytest

from proofgrid.primitives.errors import IdempotencyConflict, InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import Ledger, Transfer, client_account, escrow_account, operator_account
from proofgrid.rules.ledger.settlement import (
    WastedShare,
    deposit,
    escrow,
    pay_for_lost_hedge,
    pay_for_proof,
    pay_for_wasted_work,
    refund,
)

CLIENT, WINNER, LOSER = Address("0xC11e47"), Address("0x31"), Address("0x105e5")


def a_ledger() -> Ledger:
    """One task of three jobs of 10 PU, at most 5 per PU."""
    ledger = Ledger()
    ledger.post(deposit(deposit_id="d", client=CLIENT, amount=150))
    ledger.post(escrow(task_id="task", client=CLIENT, limit_price=5, units=30))
    return ledger


def a_proof(job_id: str = "job") -> list[Transfer]:
    return pay_for_proof(
        task_id="task",
        job_id=job_id,
        operator=WINNER,
        units=10,
        buy_price=4,
        sell_price=3,
        lane="lane",
        round_number=1,
    )


def a_lost_hedge(amount: int = 10, *, operator: Address = LOSER) -> list[Transfer]:
    return pay_for_lost_hedge(
        task_id="task",
        job_id="job",
        operator=operator,
        units=10,
        limit_price=5,
        winner_buy_price=4,
        amount=amount,
        lane="lane",
        round_number=2,
    )


def a_fault(*amounts: int) -> list[Transfer]:
    shares = [
        WastedShare(lease_id=f"lease-{number}", operator=LOSER, amount=amount, lane="lane", round_number=number)
        for number, amount in enumerate(amounts)
    ]
    return pay_for_wasted_work(task_id="task", job_id="job", units=10, limit_price=5, shares=shares)


def test_the_loser_is_paid_from_what_the_winner_left_of_the_job() -> None:
    ledger = a_ledger()
    ledger.post(a_proof() + a_lost_hedge())
    assert ledger.balance(operator_account(LOSER)) == 10
    assert ledger.balance(escrow_account("task")) == 100  # what the other two jobs may need


def test_the_loser_never_gets_what_the_other_jobs_need() -> None:
    with pytest.raises(InvalidField) as caught:
        a_lost_hedge(11)
    assert caught.value.field == "amount"


def test_a_job_has_one_loser_who_is_paid_once() -> None:
    ledger = a_ledger()
    ledger.post(a_proof() + a_lost_hedge(7))
    assert ledger.post(a_proof() + a_lost_hedge(7)) == []
    with pytest.raises(IdempotencyConflict):
        ledger.post(a_lost_hedge(7, operator=WINNER))
    assert ledger.balance(operator_account(LOSER)) == 7


def test_work_of_which_nothing_was_shown_moves_no_money() -> None:
    assert a_lost_hedge(0) == []
    assert [transfer.transfer_id for transfer in a_fault(0, 4, 0)] == ["fault:lease-1"]


def test_a_program_fault_costs_the_work_that_it_caused_and_the_rest_goes_back() -> None:
    ledger = a_ledger()
    ledger.post(a_proof("another") + a_fault(20, 20, 10))
    ledger.post(refund(task_id="task", client=CLIENT, remaining=ledger.balance(escrow_account("task"))))
    assert ledger.balance(operator_account(LOSER)) == 50
    assert ledger.balance(client_account(CLIENT)) == 150 - 40 - 50


def test_a_program_fault_costs_at_most_the_escrow_of_its_job() -> None:
    with pytest.raises(InvalidField) as caught:
        a_fault(20, 20, 11)
    assert caught.value.field == "amount"


def test_a_negative_share_cannot_make_room_for_another() -> None:
    with pytest.raises(InvalidField):
        a_fault(60, -10)
    with pytest.raises(InvalidField):
        a_lost_hedge(-1)


def test_payments_for_work_without_a_proof_are_told_apart_from_those_for_proofs() -> None:
    reasons = {transfer.reason for transfer in [*a_proof(), *a_lost_hedge(), *a_fault(1)]}
    assert reasons == {"proof", "surplus", "hedge", "fault"}
