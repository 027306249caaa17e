"""A root of amounts: every account has a proof, nobody has one for another amount."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.ledger.payout_tree import PayoutTree, is_in
from tests.makers import a_key

ACCOUNTS = [a_key(number).address for number in range(1, 12)]
AMOUNTS = st.dictionaries(st.sampled_from(ACCOUNTS), st.integers(0, 2**128 - 1), min_size=1)


@given(AMOUNTS, st.data())
def test_everybody_has_a_proof_of_the_own_amount_and_of_no_other(amounts: dict, data: st.DataObject) -> None:  # type: ignore[type-arg]
    tree = PayoutTree(amounts)
    account = data.draw(st.sampled_from(sorted(amounts)))
    proof = tree.proof(account)
    assert is_in(tree.root, account, amounts[account], proof)
    another = data.draw(st.integers(0, 2**128 - 1).filter(lambda amount: amount != amounts[account]))
    assert not is_in(tree.root, account, another, proof)
    assert PayoutTree(dict(reversed(amounts.items()))).root == tree.root


def test_a_stranger_has_none_and_an_empty_tree_has_a_root() -> None:
    assert PayoutTree({}).root == bytes(32)
    with pytest.raises(InvalidField, match="nothing is paid"):
        PayoutTree({}).proof(ACCOUNTS[0])


def test_what_no_contract_holds_is_refused() -> None:
    with pytest.raises(InvalidField, match="2\\^128"):
        _ = PayoutTree({ACCOUNTS[0]: 1 << 128}).root
