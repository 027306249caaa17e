"""Statements and violations, purely."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.ledger.incidents import Violation, check_balance, check_sum
from proofgrid.rules.ledger.statement import Running, accounts_of, price_of

MOVES = st.lists(st.tuples(st.integers(-(2**62), 2**62), st.sampled_from(["proof", "escrow", "refund"])))


@given(st.integers(0, 2**62), MOVES)
def test_opening_and_the_sums_by_reason_make_the_closing(opening: int, moves: list[tuple[int, str]]) -> None:
    running = Running(opening)
    for amount, reason in moves:
        running.move(amount, reason)

    assert opening + sum(amount for amount, _ in running.sums.values()) == running.balance
    assert sum(number for _, number in running.sums.values()) == running.movements == len(moves)
    assert list(running.sums) == sorted(running.sums)


def test_an_address_owns_an_account_of_each_kind_and_the_network_its_own() -> None:
    assert accounts_of("0xa") == ["client:0xa", "operator:0xa", "stake:0xa", "unbonding:0xa", "payable:0xa"]
    assert accounts_of("treasury") == ["treasury"]
    assert accounts_of("mint") == ["mint"]


@pytest.mark.parametrize(
    ("reason", "amount", "units", "price"),
    [
        ("proof", 700_000, 1_000, 700),
        ("surplus", -5_000, 1_000, 5),
        ("surplus burnt", -5_000, 1_000, 5),
        ("hedge", 333, 1_000, 0),
        ("proof", 7, 0, 0),
        ("proof", 7, 1, 7),
    ],
)
def test_only_what_was_made_by_a_price_shows_one(reason: str, amount: int, units: int, price: int) -> None:
    found = price_of(reason, amount=amount, units=units)
    assert (found, type(found)) == (price, int)


def test_a_ledger_that_adds_up_violates_nothing() -> None:
    assert check_sum(0) == check_balance("treasury", balance=5, net=5) == []
    assert check_sum(-1) == [
        Violation(kind="sum", subject="ledger", detail="all accounts sum to -0.000000001 instead of 0")
    ]
    detail = "the balance of treasury is 0.000000005, its transfers say 0.000000006"
    assert check_balance("treasury", balance=5, net=6) == [Violation(kind="balance", subject="treasury", detail=detail)]
