"""The circuit breaker: opens after faults, half-opens by time, closes by one proof, and pauses grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.reputation.breaker import (
    BREAKER_TRANSITIONS,
    Breaker,
    BreakerEvent,
    BreakerPolicy,
    BreakerState,
    after_outcome,
    after_proofs,
    pause_ms,
    state_of,
)
from proofgrid.rules.reputation.counters import Fact
from proofgrid.rules.reputation.standing import (
    Happened,
    ReputationPolicy,
    Standing,
    has_paused,
    has_resumed,
    pause_sentence,
    stand_after,
)

POLICY = BreakerPolicy()
NOW_MS = 1_000_000


def after(outcomes: str, breaker: Breaker | None = None, *, now_ms: int = NOW_MS) -> Breaker:
    breaker = breaker or Breaker()
    for outcome in outcomes:
        breaker = after_outcome(breaker, fault=outcome == "x", policy=POLICY, now_ms=now_ms)
    return breaker


@pytest.mark.parametrize("outcomes", ["xxx", "...xxx", "x.x.x.x.x", "xx.xx.x", "x..xx..xx"])
def test_three_faults_in_a_row_or_five_of_ten_open_it(outcomes: str) -> None:
    assert state_of(after(outcomes), now_ms=NOW_MS) is BreakerState.OPEN
    assert state_of(after(outcomes[:-1]), now_ms=NOW_MS) is BreakerState.CLOSED


@pytest.mark.parametrize("outcomes", ["", "xx", "xx.xx.", "xx.xx......x", "..........xx"])
def test_fewer_do_not(outcomes: str) -> None:
    assert state_of(after(outcomes), now_ms=NOW_MS) is BreakerState.CLOSED


def test_time_half_opens_it_and_one_proof_closes_it() -> None:
    opened = after("xxx")
    over_ms = NOW_MS + POLICY.pause_first_ms

    assert state_of(opened, now_ms=over_ms - 1) is BreakerState.OPEN
    assert state_of(opened, now_ms=over_ms) is BreakerState.HALF_OPEN
    assert state_of(after(".", opened, now_ms=over_ms), now_ms=over_ms) is BreakerState.CLOSED


def test_a_fault_in_half_open_doubles_the_pause_and_so_does_the_next_trip() -> None:
    opened = after("xxx")
    again = after("x", opened, now_ms=opened.paused_until_ms)
    assert again.paused_until_ms == opened.paused_until_ms + 2 * POLICY.pause_first_ms
    closed = after(".", again, now_ms=again.paused_until_ms)
    third = after("xxx", closed, now_ms=again.paused_until_ms)
    assert third.paused_until_ms == again.paused_until_ms + 4 * POLICY.pause_first_ms


def test_ten_proofs_in_a_row_make_pauses_short_again() -> None:
    opened = after("xxx")
    healed = after("." * 10, opened, now_ms=opened.paused_until_ms)
    assert healed == Breaker(outcomes="." * 10)


def test_what_was_leased_before_the_pause_does_not_change_it() -> None:
    opened = after("xxx")
    for outcome in ".x":
        assert after(outcome, opened).paused_until_ms == opened.paused_until_ms


def test_a_pause_never_exceeds_the_longest() -> None:
    assert [pause_ms(n, policy=POLICY) for n in (0, 1, 6, 7, 99)] == [30_000, 60_000, 1_920_000, 3_600_000, 3_600_000]


def test_zero_turns_it_off() -> None:
    breaker = Breaker()
    for _ in range(20):
        breaker = after_outcome(breaker, fault=True, policy=BreakerPolicy(in_row_max=0, of_ten_max=0), now_ms=NOW_MS)
    assert state_of(breaker, now_ms=NOW_MS) is BreakerState.CLOSED


@pytest.mark.parametrize("wrong", [{"in_row_max": 11}, {"of_ten_max": -1}, {"pause_first_ms": 0}, {"pause_max_ms": 1}])
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidField):
        BreakerPolicy(**wrong)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100_000)), max_size=60))
def test_every_step_is_one_of_the_table(steps: list[tuple[bool, int]]) -> None:
    breaker, now_ms = Breaker(), NOW_MS
    for fault, wait_ms in steps:
        now_ms += wait_ms
        before = state_of(breaker, now_ms=now_ms)
        breaker = after_outcome(breaker, fault=fault, policy=POLICY, now_ms=now_ms)
        events = (BreakerEvent.FAULT, BreakerEvent.TRIPPED) if fault else (BreakerEvent.PROVEN,)
        reachable = {BREAKER_TRANSITIONS[before, event] for event in events if (before, event) in BREAKER_TRANSITIONS}
        assert state_of(breaker, now_ms=now_ms) in reachable
        assert len(breaker.outcomes) <= 10


@given(outcomes=st.text(alphabet=".x", max_size=40), wait_ms=st.integers(0, 100_000), number=st.integers(0, 30))
def test_proofs_together_are_the_same_as_one_after_the_other(outcomes: str, wait_ms: int, number: int) -> None:
    before, now_ms = after(outcomes), NOW_MS + wait_ms
    together = after_proofs(before, number, policy=POLICY, now_ms=now_ms)
    assert together == after("." * number, before, now_ms=now_ms)


def test_a_standing_tells_when_a_pause_begins_and_ends_and_why() -> None:
    faults = [Happened(fact=Fact.CRASHED, detail="killed by\nSIGSEGV")] * 3
    policy = ReputationPolicy()
    fine = Standing()
    paused = stand_after(fine, faults, policy=policy, now_ms=NOW_MS)
    late_ms = paused.breaker.paused_until_ms
    healed = stand_after(paused, [Happened(fact=Fact.LATE)], policy=policy, now_ms=late_ms)

    assert has_paused(fine, paused)
    assert not has_resumed(fine, paused)
    assert has_resumed(paused, healed)
    assert not has_paused(paused, healed)
    assert pause_sentence(fine, now_ms=NOW_MS) == ""
    assert pause_sentence(paused, now_ms=NOW_MS).startswith("no work for 30 s")
    assert "crashed: killed by SIGSEGV" in pause_sentence(paused, now_ms=NOW_MS)
    assert pause_sentence(paused, now_ms=late_ms).startswith("one job at a time")
    assert (healed.counters.proven, healed.counters.late) == (1_000_000, 1_000_000)
