"""A transaction from wish to final block: no step outside of the table, and fees that nodes take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.chain.outbox import (
    AFTER,
    OPEN,
    PATIENCE_BLOCKS,
    Fees,
    Sent,
    Stage,
    Step,
    first_fees,
    is_harmless,
    next_step,
    raised_fees,
)

NOTED = {
    Step.NOTE_MINED: Stage.MINED,
    Step.NOTE_GONE: Stage.SIGNED,
    Step.NOTE_FINAL: Stage.FINAL,
    Step.NOTE_FAILED: Stage.FAILED,
    Step.NOTE_REPLACED: Stage.WANTED,
}
FEES = Fees(most=100, tip=2)

sents = st.builds(
    Sent,
    nonce=st.integers(0, 5),
    signed_at=st.integers(0, 20),
    fees=st.just(FEES),
    mined_in=st.none() | st.integers(0, 30),
    succeeded=st.booleans(),
    account_nonce=st.integers(0, 7),
)


@given(st.sampled_from([Stage.SIGNED, Stage.MINED]), sents, st.integers(0, 40), st.integers(0, 10), st.booleans())
def test_every_step_stands_in_the_table(stage: Stage, sent: Sent, newest: int, behind: int, fresh: bool) -> None:
    step = next_step(stage, sent, newest=newest, final=max(0, newest - behind), is_fresh=fresh)
    if step in NOTED:
        assert NOTED[step] in AFTER[stage]
    else:
        assert step in (Step.WAIT, Step.SEND, Step.RAISE)


@given(sents, st.integers(0, 40))
def test_nothing_is_asked_anew_while_it_may_still_be_mined(sent: Sent, newest: int) -> None:
    step = next_step(Stage.SIGNED, sent, newest=newest, final=newest)
    if step is Step.NOTE_REPLACED:
        assert sent.mined_in is None and sent.account_nonce > sent.nonce


def test_one_that_is_not_mined_is_sent_again_and_then_for_more() -> None:
    sent = Sent(nonce=1, signed_at=10, fees=FEES, mined_in=None, succeeded=False, account_nonce=1)
    assert next_step(Stage.SIGNED, sent, newest=10, final=8) is Step.SEND
    assert next_step(Stage.SIGNED, sent, newest=10 + PATIENCE_BLOCKS, final=8) is Step.RAISE
    assert next_step(Stage.SIGNED, sent, newest=10 + PATIENCE_BLOCKS, final=8, is_fresh=True) is Step.SEND


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_fees_cover_the_base_fee_and_stay_below_the_cap(base_fee: int, cap: int) -> None:
    fees = first_fees(base_fee=base_fee, cap=cap)
    if fees is None:
        assert base_fee > cap
    else:
        assert base_fee <= fees.most <= cap and 0 <= fees.tip <= fees.most - base_fee


@given(st.integers(1, 10**12), st.integers(0, 10**9), st.integers(0, 10**12), st.integers(1, 10**13))
def test_raised_fees_are_ones_that_nodes_take(most: int, tip: int, base_fee: int, cap: int) -> None:
    before = Fees(most=most + tip, tip=tip)
    after = raised_fees(before, base_fee=base_fee, cap=cap)
    if after is not None:
        assert after.most <= cap
        assert after.most * 10 >= before.most * 11 and after.tip * 10 >= before.tip * 11


def test_no_cap_is_a_mistake() -> None:
    with pytest.raises(InvalidField, match="cap"):
        first_fees(base_fee=1, cap=0)


@pytest.mark.parametrize(
    "said", ["transaction already imported", "Nonce too low", "replacement transaction underpriced"]
)
def test_words_that_mean_nothing(said: str) -> None:
    assert is_harmless(said)
    assert not is_harmless("insufficient funds for gas * price + value")


def test_what_is_over_stays_so_except_what_failed() -> None:
    assert {stage for stage in Stage if not AFTER[stage]} == {Stage.FINAL}
    assert {stage for stage in OPEN if AFTER[stage]} == {Stage.WANTED, Stage.SIGNED, Stage.MINED}
