"""Stake on a chain never counts for more than the least of what its blocks say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.staking.onchain import StakeSample, StakeTerms, staked, usable_bond

AMOUNTS = st.integers(0, 10**30)
SAMPLES = st.lists(st.builds(StakeSample, block=st.integers(0, 100), is_member=st.just(True), slashable=AMOUNTS))
TERMS = st.builds(StakeTerms, unit=st.sampled_from([1, 10**9]), value_permille=st.integers(0, 2_000))


@given(AMOUNTS, SAMPLES, TERMS, AMOUNTS)
def test_one_more_block_never_adds_anything(ledger: int, samples: list[StakeSample], terms: StakeTerms, n: int) -> None:
    more = [*samples, StakeSample(block=101, is_member=True, slashable=n)]
    if samples:
        assert staked(more, terms) <= staked(samples, terms)
    assert staked(more, terms) * terms.unit * 1_000 <= n * terms.value_permille
    assert usable_bond(ledger, samples, terms) == ledger + staked(samples, terms)


@given(AMOUNTS, SAMPLES, TERMS, AMOUNTS)
def test_what_waits_is_gone_and_nothing_is_negative(
    ledger: int, samples: list[StakeSample], terms: StakeTerms, waiting: int
) -> None:
    whole = usable_bond(ledger, samples, terms)
    assert usable_bond(ledger, samples, terms, waiting=waiting) == max(0, whole - waiting)


@given(SAMPLES.filter(bool), TERMS, st.data())
def test_whoever_was_no_member_in_one_of_the_blocks_has_nothing(
    samples: list[StakeSample], terms: StakeTerms, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(samples) - 1))
    left = [replace(sample, is_member=index != at) for index, sample in enumerate(samples)]
    assert staked(left, terms) == 0
    assert staked([], terms) == 0


def test_terms_that_mean_nothing_are_refused() -> None:
    with pytest.raises(InvalidField, match="at least 1"):
        StakeTerms(unit=0)
