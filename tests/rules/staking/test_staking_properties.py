"""Slashes conserve money and never exceed the bond; slots never bind more than the bond carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.retry import RETRY_RULES, ReturnReason
from proofgrid.rules.ledger.accounts import (
    MINT,
    Ledger,
    client_account,
    operator_account,
    rescue_account,
    stake_account,
)
from proofgrid.rules.ledger.stakes import bond, reward_rescuer, take
from proofgrid.rules.staking.bonds import (
    BondPolicy,
    FreeSlots,
    bound_by_lease,
    cap_slots,
    capacity,
    ceiling_price,
    free_capacity,
    removable,
)
from proofgrid.rules.staking.results import (
    ResultClaim,
    claim_from_text,
    contradict,
    differ,
    is_signed,
    public_digest,
    sign_result,
)
from proofgrid.rules.staking.slashing import SLASH_RULES, SlashReason, may_be_slashed, slash, slash_reason
from tests.makers import a_key

amounts = st.integers(min_value=0, max_value=10**15)
reasons = st.sampled_from(SlashReason)
policies = st.builds(BondPolicy, stake_permille=st.integers(0, 5_000), overcommit=st.integers(1, 10))
OPERATOR, CLIENT, RESCUER = Address("0xop"), Address("0xc1"), Address("0xre")

# --- slashing ------------------------------------------------------------------------------------------


@given(reasons, amounts, amounts, amounts, st.booleans())
def test_a_slash_is_split_to_the_last_unit_and_never_more_than_the_bond_or_its_share(
    reason: SlashReason, value: int, bond_: int, taken: int, can_be_rescued: bool
) -> None:
    found = slash(reason, value=value, bond=bond_, taken=taken, can_be_rescued=can_be_rescued)
    assert min(found.burnt, found.client, found.rescuer) >= 0
    assert found.amount == found.burnt + found.client + found.rescuer <= bond_
    assert found.amount <= max(0, -(-value * SLASH_RULES[reason].share // 1000) - taken)
    assert found.burnt >= found.client - (0 if can_be_rescued else 1)
    assert can_be_rescued or not found.rescuer
    assert 2 * found.burnt >= found.amount  # whoever slashes himself loses a half at least


def test_what_is_taken_is_rounded_up_and_what_cannot_be_split_is_burnt() -> None:
    found = slash(SlashReason.MISSED_DEADLINE, value=1_021, bond=10**9)
    assert (found.amount, found.client, found.rescuer, found.burnt) == (103, 25, 25, 53)  # of 102.1, a quarter: 25.75
    alone = slash(SlashReason.MISSED_DEADLINE, value=1_021, bond=10**9, can_be_rescued=False)
    assert (alone.client, alone.rescuer, alone.burnt) == (50, 0, 53)


@given(reasons, amounts, amounts, amounts, amounts)
def test_more_value_and_a_larger_bond_never_cost_less(
    reason: SlashReason, value: int, bond_: int, more: int, larger: int
) -> None:
    least = slash(reason, value=value, bond=bond_).amount
    assert slash(reason, value=value + more, bond=bond_ + larger).amount >= least


@given(amounts, amounts)
def test_worse_reasons_cost_more_and_an_equivocation_takes_the_whole_value_once(value: int, bond_: int) -> None:
    missed, invalid, both = (
        slash(reason, value=value, bond=bond_).amount for reason in SlashReason if reason is not SlashReason.REFUTED
    )
    assert missed <= invalid <= both <= value
    rest = slash(SlashReason.EQUIVOCATION, value=value, bond=bond_ - invalid, taken=invalid).amount
    assert invalid + rest == min(value, bond_)


@given(reasons, st.integers(1, 10**12), st.integers(1, 10**12))
def test_money_is_conserved_from_bond_to_rescuer(reason: SlashReason, value: int, held: int) -> None:
    ledger = Ledger()
    ledger.post(bond(deposit_id="d", operator=OPERATOR, amount=held, from_outside=True))
    found = slash(reason, value=value, bond=held)
    transfers = take(case="slash:l", operator=OPERATOR, client=CLIENT, task_id="t", job_id="j", slashed=found)
    assert len(ledger.post(transfers)) == len(transfers)
    assert not ledger.post(transfers)  # once
    ledger.post(reward_rescuer(task_id="t", job_id="j", operator=RESCUER, amount=found.rescuer))
    assert sum(ledger.balances.values()) == 0
    assert ledger.balance(stake_account(OPERATOR)) == held - found.amount
    assert ledger.balance(MINT) == -held + found.burnt
    assert ledger.balance(client_account(CLIENT)) == found.client
    assert ledger.balance(operator_account(RESCUER)) == found.rescuer
    assert ledger.balance(rescue_account("j")) == 0


def test_only_faults_of_provers_are_slashed_and_silence_only_while_its_gateway_lives() -> None:
    slashed = {reason for reason in ReturnReason if may_be_slashed(reason)}
    faults = {ReturnReason.PROVER_LOST, ReturnReason.TIMED_OUT, ReturnReason.BAD_PROOF, ReturnReason.REFUTED}
    assert slashed == faults
    assert all(RETRY_RULES[reason].prover_at_fault and RETRY_RULES[reason].counts for reason in slashed)
    for reason in (ReturnReason.PROVER_LOST, ReturnReason.TIMED_OUT):
        assert slash_reason(reason, signed=False, gateway_at_fault=True) is None
    missed = SlashReason.MISSED_DEADLINE
    assert slash_reason(ReturnReason.PROVER_LOST, signed=False, gateway_at_fault=False) is missed
    assert slash_reason(ReturnReason.BAD_PROOF, signed=False, gateway_at_fault=False) is missed
    assert slash_reason(ReturnReason.BAD_PROOF, signed=True, gateway_at_fault=True) is SlashReason.INVALID_PROOF
    assert slash_reason(ReturnReason.REFUTED, signed=False, gateway_at_fault=True) is SlashReason.REFUTED
    assert slash_reason(ReturnReason.FALSE_EXCUSE, signed=False, gateway_at_fault=False) is None
    assert slash_reason(ReturnReason.DECLINED, signed=True, gateway_at_fault=False) is None


def test_negative_amounts_are_refused() -> None:
    with pytest.raises(InvalidField):
        slash(SlashReason.MISSED_DEADLINE, value=-1, bond=1)
    for wrong in ({"stake_permille": -1}, {"overcommit": 0}, {"unbonding_ms": -1}):
        with pytest.raises(InvalidField):
            BondPolicy(**wrong)
    assert BondPolicy(stake_permille=0, overcommit=1, unbonding_ms=0).unbonding_ms == 0
    assert ceiling_price(7) == 14


# --- what a bond carries -------------------------------------------------------------------------------

offers = st.lists(
    st.builds(
        FreeSlots,
        prover_id=st.sampled_from([f"p{number}" for number in range(8)]),
        operator=st.sampled_from(["a", "b"]),
        slots=st.integers(0, 20),
        slot_binds=st.integers(0, 100),
    ),
    unique_by=lambda offer: offer.prover_id,
)


@given(offers, st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 1_000)))
def test_slots_of_all_provers_of_an_operator_stay_within_its_bond(
    given_: list[FreeSlots], free: dict[str, int]
) -> None:
    slots = cap_slots(given_, free)
    assert set(slots) == {offer.prover_id for offer in given_}
    for operator in ("a", "b"):
        theirs = [offer for offer in given_ if offer.operator == operator]
        bound = sum(offer.slot_binds * slots[offer.prover_id] for offer in theirs)
        assert bound <= free.get(operator, 0)
        for offer in theirs:
            assert slots[offer.prover_id] <= offer.slots
            # Nobody is left without a slot that the bond would carry.
            assert slots[offer.prover_id] == offer.slots or bound + offer.slot_binds > free.get(operator, 0)
    assert slots == cap_slots(list(reversed(given_)), free)


@given(policies, st.integers(1, 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_lease_binds_at_most_what_its_slot_was_counted_at(
    policy: BondPolicy, units: int, sell_price: int, reference: int
) -> None:
    most = bound_by_lease(units=units, sell_price=ceiling_price(reference), reference=reference, policy=policy)
    bound = bound_by_lease(units=units, sell_price=sell_price, reference=reference, policy=policy)
    assert bound <= most
    assert bound * 1_000 >= units * min(sell_price, ceiling_price(reference)) * policy.stake_permille
    assert policy.is_asked or bound == 0


@given(policies, amounts, amounts)
def test_after_unbonding_all_that_can_be_the_rest_carries_what_is_bound(
    policy: BondPolicy, held: int, bound: int
) -> None:
    away = removable(held, bound, policy)
    assert 0 <= away <= held
    if bound <= capacity(held, policy):
        assert bound <= capacity(held - away, policy)
        assert free_capacity(held, bound, policy) == capacity(held, policy) - bound


# --- signed results ------------------------------------------------------------------------------------

CLAIM = ResultClaim(
    network="0xn", lease_id="l", fence=1, job_id="j", program="p", slice=0, proof="a", public=public_digest({"x": 1.5})
)


@pytest.mark.parametrize(
    "change",
    [{name: "other"} for name in ("network", "lease_id", "job_id", "program", "proof", "public")]
    + [{"fence": 2}, {"slice": 1}],
)
def test_a_signature_covers_every_part_of_a_result(change: dict[str, object]) -> None:
    key = a_key()
    signature = sign_result(CLAIM, key)
    assert is_signed(CLAIM, signature, key.address)
    assert not is_signed(replace(CLAIM, **change), signature, key.address)  # type: ignore[arg-type]
    assert not is_signed(CLAIM, signature, a_key(2).address)
    assert not is_signed(CLAIM, "", key.address)


def test_two_results_of_one_lease_differ_and_those_of_two_leases_do_not_count() -> None:
    assert differ(CLAIM, replace(CLAIM, proof="b"))
    assert not differ(CLAIM, CLAIM)
    assert not differ(CLAIM, replace(CLAIM, proof="b", fence=2))
    assert not differ(CLAIM, replace(CLAIM, proof="b", lease_id="m"))


def test_another_proof_of_the_same_is_no_second_lie_and_other_public_values_are() -> None:
    """Proofs are randomised: an honest prover that proves twice has two proofs that say the same."""
    assert not contradict(CLAIM, replace(CLAIM, proof="b"))
    assert not contradict(CLAIM, CLAIM)
    for proof in ("a", "b"):
        assert contradict(CLAIM, replace(CLAIM, proof=proof, public="q"))
        assert contradict(CLAIM, replace(CLAIM, proof=proof, job_id="k"))
        assert not contradict(CLAIM, replace(CLAIM, proof=proof, public="q", fence=2))


def test_a_claim_has_one_spelling() -> None:
    assert claim_from_text(CLAIM.text) == CLAIM
    for text in ("", "{}", "[]", CLAIM.text.replace(",", ", "), CLAIM.text.replace("}", ',"more":1}')):
        with pytest.raises(InvalidField):
            claim_from_text(text)
