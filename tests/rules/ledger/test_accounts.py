"""The ledger: every transfer once, all or nothing, nobody below zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.rules.ledger.accounts import (
    MINT,
    TREASURY,
    Ledger,
    Transfer,
    client_account,
    escrow_account,
    operator_account,
)
from proofgrid.rules.ledger.settlement import SurplusTo, deposit, escrow, pay_for_proof, refund, withdraw

CLIENT = Address("0xC11e47")
OPERATOR = Address("0x09e4A704")


def a_transfer(transfer_id: str = "t1", *, amount: int = 10) -> Transfer:
    return Transfer(transfer_id=transfer_id, debit=MINT, credit=client_account(CLIENT), amount=amount, reason="test")


def a_payment(
    job_id: str = "job",
    *,
    operator: Address = OPERATOR,
    sell_price: int = 3,
    surplus_to: SurplusTo = SurplusTo.TREASURY,
) -> list[Transfer]:
    return pay_for_proof(
        task_id="task",
        job_id=job_id,
        operator=operator,
        units=10,
        buy_price=4,
        sell_price=sell_price,
        lane="main/ezkl/small",
        round_number=7,
        surplus_to=surplus_to,
    )


def a_ledger_with_escrow(*, units: int = 30) -> Ledger:
    ledger = Ledger()
    ledger.post(deposit(deposit_id="d", client=CLIENT, amount=1000))
    ledger.post(escrow(task_id="task", client=CLIENT, limit_price=5, units=units))
    return ledger


def test_a_task_is_paid_from_its_escrow_and_the_rest_goes_back() -> None:
    ledger = a_ledger_with_escrow()

    ledger.post(a_payment())
    ledger.post(refund(task_id="task", client=CLIENT, remaining=ledger.balance(escrow_account("task"))))

    assert ledger.balances == {
        MINT: -1000,
        client_account(CLIENT): 960,
        escrow_account("task"): 0,
        operator_account(OPERATOR): 30,
        TREASURY: 10,
    }


def test_posting_twice_moves_money_once() -> None:
    ledger = a_ledger_with_escrow()

    first, second = ledger.post(a_payment()), ledger.post(a_payment())

    assert (first, second) == (a_payment(), [])
    assert ledger.balance(operator_account(OPERATOR)) == 30
    assert len(ledger.transfers) == 4


def test_a_job_is_paid_once_whoever_proved_it_last() -> None:
    ledger = a_ledger_with_escrow()
    ledger.post(a_payment())

    with pytest.raises(IdempotencyConflict):
        ledger.post(a_payment(operator=Address("0x0ther")))
    with pytest.raises(IdempotencyConflict):
        ledger.post(a_payment(sell_price=4))

    assert ledger.balance(escrow_account("task")) == 110


def test_a_list_is_posted_whole_or_not_at_all() -> None:
    ledger = a_ledger_with_escrow(units=6)  # 30 in escrow, 40 needed
    before = dict(ledger.balances)

    with pytest.raises(InsufficientFunds):
        ledger.post(a_payment())

    assert ledger.balances == before
    assert len(ledger.transfers) == 2
    assert ledger.post(a_payment(sell_price=4)[:0]) == []


def test_a_conflict_inside_one_list_is_found() -> None:
    ledger = Ledger()

    assert len(ledger.post([a_transfer(), a_transfer()])) == 1
    with pytest.raises(IdempotencyConflict):
        ledger.post([a_transfer("t2"), a_transfer("t2", amount=11)])
    assert ledger.balance(MINT) == -10


def test_money_must_be_there_before_it_is_spent() -> None:
    coming = deposit(deposit_id="d", client=CLIENT, amount=50)
    going = escrow(task_id="task", client=CLIENT, limit_price=5, units=10)

    with pytest.raises(InsufficientFunds) as caught:
        Ledger().post(going + coming)
    assert caught.value.field == "amount"

    ledger = Ledger()
    ledger.post(coming + going)
    assert ledger.balance(escrow_account("task")) == 50


def test_money_that_left_is_no_longer_in_circulation() -> None:
    ledger = a_ledger_with_escrow()
    ledger.post(a_payment())

    ledger.post(withdraw(withdrawal_id="w", account=operator_account(OPERATOR), amount=30))
    ledger.post(withdraw(withdrawal_id="burn", account=TREASURY, amount=10))

    assert ledger.balance(MINT) == -960
    with pytest.raises(InsufficientFunds):
        ledger.post(withdraw(withdrawal_id="w2", account=operator_account(OPERATOR), amount=1))


def test_no_more_money_circulates_than_the_database_can_count() -> None:
    ledger = Ledger()
    ledger.post([a_transfer(amount=AMOUNT_MAX)])

    with pytest.raises(InsufficientFunds, match="circulation"):
        ledger.post([a_transfer("t2", amount=1)])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 1.0}, "amount"),
        ({"amount": True}, "amount"),
        ({"debit": AccountId("pocket")}, "debit"),
        ({"credit": AccountId("client:")}, "credit"),
        ({"credit": MINT}, "credit"),
        ({"transfer_id": ""}, "transfer_id"),
    ],
)
def test_a_bad_transfer_is_refused_with_the_name_of_its_field(change: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        replace(a_transfer(), **change)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_the_client_never_pays_less_than_the_operator_receives() -> None:
    with pytest.raises(InvalidField) as caught:
        a_payment(sell_price=5)
    assert caught.value.field == "buy_price"


def test_a_burnt_surplus_is_in_circulation_no_more() -> None:
    ledger = a_ledger_with_escrow()
    ledger.post(a_payment(sell_price=3, surplus_to=SurplusTo.BURN))

    [surplus] = [one for one in ledger.transfers if one.transfer_id == "surplus:job"]
    assert (surplus.debit, surplus.credit, surplus.reason) == (escrow_account("task"), MINT, "surplus burnt")
    assert ledger.balance(TREASURY) == 0
    assert ledger.balance(MINT) == surplus.amount - 1_000
    assert sum(ledger.balances.values()) == 0


def test_equal_prices_leave_nothing_to_the_treasury() -> None:
    assert [transfer.transfer_id for transfer in a_payment(sell_price=4)] == ["pay:job"]
    assert [transfer.transfer_id for transfer in a_payment(sell_price=3)] == ["pay:job", "surplus:job"]
    assert refund(task_id="task", client=CLIENT, remaining=0) == []
