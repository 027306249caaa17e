"""What a name that has shown nothing may do: however many names an operator makes, they get no more than one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.reputation.breaker import BreakerState
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS
from proofgrid.rules.reputation.counters import Fact
from proofgrid.rules.reputation.newcomers import NewProver, earned_slots, slots_after_pause, slots_of_new
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy, Standing, operator_after

FIRST = st.integers(1, 64)


@st.composite
def provers(draw: st.DrawFn) -> list[NewProver]:
    return [
        NewProver(
            prover_id=f"a/{number:03}",
            slots=draw(st.integers(0, 200)),
            busy=draw(st.integers(0, 3)),
            jobs_proven=draw(st.integers(0, NEWCOMER_PROOFS - 1)),
            is_judged=draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 40)))
    ]


@given(provers(), FIRST)
def test_all_new_names_of_an_operator_share_what_one_would_get(given_: list[NewProver], first: int) -> None:
    slots = slots_of_new(given_, breaker=BreakerState.CLOSED, first=first)
    proofs = sum(one.jobs_proven for one in given_)
    assert proofs >= NEWCOMER_PROOFS or sum(slots.values()) <= first << proofs
    for one in given_:
        assert slots[one.prover_id] <= min(one.slots, first << one.jobs_proven)


@given(provers(), FIRST)
def test_somebody_gets_a_slot_as_long_as_anybody_has_one(given_: list[NewProver], first: int) -> None:
    slots = slots_of_new(given_, breaker=BreakerState.CLOSED, first=first)
    assert any(slots.values()) == any(one.slots for one in given_)


@given(provers(), FIRST)
def test_a_shared_pause_is_everybodys_and_its_trial_is_one_job(given_: list[NewProver], first: int) -> None:
    assert not any(slots_of_new(given_, breaker=BreakerState.OPEN, first=first).values())
    trial = slots_of_new(given_, breaker=BreakerState.HALF_OPEN, first=first)
    assert sum(trial.values()) <= (0 if any(one.is_judged for one in given_) else 1)
    # Whoever works already has it.
    working = [replace(one, busy=int(number == 0), is_judged=False) for number, one in enumerate(given_)]
    trial = slots_of_new(working, breaker=BreakerState.HALF_OPEN, first=first)
    assert not working[0].slots or trial[working[0].prover_id] == 1


@given(st.integers(0, 10_000), st.integers(0, 20), FIRST)
def test_slots_grow_with_every_proof_until_all_are_there(slots: int, proofs: int, first: int) -> None:
    assert earned_slots(slots, proofs=proofs, first=first) <= earned_slots(slots, proofs=proofs + 1, first=first)
    assert earned_slots(slots, proofs=NEWCOMER_PROOFS, first=first) == slots


def test_who_was_paused_earns_its_slots_again_and_a_fault_takes_them() -> None:
    assert [slots_after_pause(100, outcomes, first=8) for outcomes in (".", "..", "..x", "........")] == [
        16,
        32,
        8,
        100,
    ]


@given(st.lists(st.sampled_from([Fact.PROVEN, Fact.LATE, Fact.LOST, Fact.CRASHED, Fact.INVALID]), max_size=30))
def test_good_work_of_old_names_excuses_no_new_ones(facts: list[Fact]) -> None:
    new = [Happened(fact=fact) for fact in facts]
    old = [Happened(fact=Fact.PROVEN)] * 5
    alone = operator_after(Standing(), [], of_new=new, policy=ReputationPolicy(), now_ms=1)
    beside = operator_after(Standing(), old, of_new=new, policy=ReputationPolicy(), now_ms=1)
    assert beside.breaker == alone.breaker
    assert beside.counters.proven == alone.counters.proven + 5_000_000


def test_the_shared_breaker_opens_after_eight_faults_of_ten_and_not_for_one_outage() -> None:
    outage = [Happened(fact=Fact.LOST)] * 7
    assert not operator_after(Standing(), [], of_new=outage, policy=ReputationPolicy(), now_ms=1).breaker.pauses
    one_more = operator_after(Standing(), [], of_new=[*outage, outage[0]], policy=ReputationPolicy(), now_ms=1)
    assert one_more.breaker.pauses == 1
