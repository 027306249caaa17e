"""Debts that a chain is asked for: which together, what for each, and by what evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.merkle import leads_to
from proofgrid.rules.staking.chain_slashes import (
    AFTER,
    WAITING,
    AskingTerms,
    Debt,
    DebtState,
    due,
    evidence_leaf,
    evidence_tree,
    seen_state,
    shares,
)
from proofgrid.rules.staking.onchain import horizon

debts = st.lists(
    st.builds(
        Debt,
        evidence_id=st.uuids().map(str),
        operator=st.sampled_from(["0xA", "0xB"]),
        amount=st.integers(1, 100),
        age_ms=st.integers(0, 100),
    ),
    unique_by=lambda debt: debt.evidence_id,
    max_size=8,
)


@given(debts, st.integers(1, 200), st.integers(1, 120), st.sets(st.sampled_from(["0xA", "0xB"])))
def test_debts_are_asked_for_together_and_never_for_more_than_the_contract_takes(
    owed: list[Debt], most: int, least: int, leaving: set[str]
) -> None:
    asked = due(owed, AskingTerms(least=least, patience_ms=50), most=most, leaving=leaving)
    for operator, theirs in asked.items():
        assert {debt.operator for debt in theirs} == {operator}
        total = sum(debt.amount for debt in theirs)
        assert total <= most or len(theirs) == 1
        assert operator in leaving or total >= least or max(debt.age_ms for debt in theirs) >= 50
    for operator in leaving & {debt.operator for debt in owed}:
        assert operator in asked


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 1_000), min_size=1), st.integers(0, 5_000))
def test_what_was_taken_is_split_and_nothing_is_lost(amounts: dict[str, int], taken: int) -> None:
    parts = shares(taken, amounts)
    assert sum(parts.values()) == min(taken, sum(amounts.values()))
    assert all(0 <= parts[name] <= amount for name, amount in amounts.items())


@given(debts.filter(bool))
def test_each_debt_stands_in_the_tree_and_no_other_one_does(owed: list[Debt]) -> None:
    tree = evidence_tree(owed)
    ordered = sorted(owed, key=lambda debt: debt.evidence_id)
    for at, debt in enumerate(ordered):
        leaf = evidence_leaf(debt.evidence_id, debt.operator, debt.amount)
        assert leads_to(tree.root, leaf, tree.proof(at))
        other = evidence_leaf(debt.evidence_id, debt.operator, debt.amount + 1)
        assert not leads_to(tree.root, other, tree.proof(at))
    with pytest.raises(IndexError):
        tree.proof(len(owed))


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_what_the_contract_says_is_a_state_that_may_follow(v: bool, e: bool, final: bool, short: bool) -> None:
    state = seen_state(is_vetoed=v, is_executed=e and not v, is_final=final, is_short=short)
    assert state is DebtState.PROPOSED or state in AFTER[DebtState.PROPOSED]
    assert (state in WAITING) or final


def test_a_debt_of_nothing_is_none() -> None:
    with pytest.raises(InvalidField):
        evidence_leaf("e", "0xA", 0)


def test_stake_that_may_be_gone_before_a_slash_is_no_bond() -> None:
    assert horizon(lease=300, finality=64, veto=50_000, deallocation=100_800) == 50_364
    with pytest.raises(InvalidField, match="gone after"):
        horizon(lease=300, finality=64, veto=100_800, deallocation=100_800)
