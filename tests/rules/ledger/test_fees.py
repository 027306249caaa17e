"""What the network takes of payments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import Ledger
from proofgrid.rules.ledger.settlement import deposit, escrow, fees_of, pay_for_proof

CLIENT, OPERATOR = Address("0xc"), Address("0xo")


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**6), st.integers(0, 1_000))
def test_a_fee_is_rounded_in_the_operators_favour_and_money_is_neither_made_nor_lost(
    sell: int, spread: int, units: int, permille: int
) -> None:
    buy = sell + spread
    payments = pay_for_proof(
        task_id="t",
        job_id="j",
        operator=OPERATOR,
        units=units,
        buy_price=buy,
        sell_price=sell,
        lane="l",
        round_number=1,
    )
    fees = fees_of(payments, fee_permille=permille)
    ledger = Ledger()
    ledger.post(deposit(deposit_id="d", client=CLIENT, amount=buy * units))
    ledger.post(escrow(task_id="t", client=CLIENT, limit_price=buy, units=units))
    ledger.post(payments + fees)

    kept = ledger.balances.get("operator:0xo", 0)  # type: ignore[call-overload]
    assert kept * 1_000 >= sell * units * (1_000 - permille) > (kept - 1) * 1_000
    assert sum(ledger.balances.values()) == 0
    assert kept + ledger.balances.get("treasury", 0) == buy * units  # type: ignore[call-overload]
    assert [fee.transfer_id for fee in fees] in ([], ["fee:pay:j"])


def test_a_fee_is_a_share() -> None:
    with pytest.raises(InvalidField):
        fees_of([], fee_permille=1_001)
