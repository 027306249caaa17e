"""To which contracts proofs are brought, and what may become of it."""

from __future__ import annotations

from uuid import UUID

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.chain.delivering import (
    AFTER,
    DeliveryState,
    DeliveryTerms,
    NotDelivered,
    check_target,
    name_of_task,
    parse_target,
)
from proofgrid.rules.ledger.deliveries import give_back_delivery, pay_delivery
from tests.makers import a_key

CONTRACT = a_key(4).address


def test_a_contract_of_a_chain_is_named_and_nothing_else() -> None:
    assert parse_target(f"chain:{CONTRACT.lower()}") == CONTRACT
    for wrong in ("", CONTRACT, "chain:", "chain:0x12", f"http:{CONTRACT}", f"chain:{CONTRACT} "):
        with pytest.raises(InvalidField) as caught:
            parse_target(wrong)
        assert caught.value.field == "deliver", wrong


def test_only_contracts_that_the_network_names_are_brought_proofs() -> None:
    check_target(CONTRACT, DeliveryTerms(contracts=(CONTRACT,)))
    with pytest.raises(NotDelivered, match="no proofs to"):
        check_target(CONTRACT, DeliveryTerms(contracts=(a_key(5).address,)))
    with pytest.raises(NotDelivered) as caught:
        check_target(CONTRACT, DeliveryTerms())
    assert "named no contract" in str(caught.value.hint)


def test_a_task_is_named_by_its_id_in_32_bytes() -> None:
    name = name_of_task(UUID(int=5))
    assert (len(name), int.from_bytes(name)) == (32, 5)


def test_what_is_over_stays_so() -> None:
    over = {state for state, after in AFTER.items() if not after}
    assert over == {DeliveryState.DELIVERED, DeliveryState.REFUSED, DeliveryState.FAILED}
    assert set(AFTER) == set(DeliveryState)


def test_a_price_goes_to_the_treasury_and_comes_back_once() -> None:
    [paid] = pay_delivery(task_id="T", client=CONTRACT, price=5)
    [back] = give_back_delivery(task_id="T", client=CONTRACT, price=5)
    assert (paid.debit, paid.credit, paid.amount) == (back.credit, back.debit, back.amount)
    assert {paid.transfer_id, back.transfer_id} == {"deliver:T", "undelivered:T"}
    assert pay_delivery(task_id="T", client=CONTRACT, price=0) == []
