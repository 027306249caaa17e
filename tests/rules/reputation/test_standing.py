"""How a prover stands after what happened to its leases, and what it is told."""

from __future__ import annotations

import pytest

from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.breaker import Breaker
from proofgrid.rules.reputation.counters import ONE, Fact
from proofgrid.rules.reputation.standing import (
    DETAIL_CHARS_MAX,
    Happened,
    ReputationPolicy,
    Standing,
    fault_of,
    has_paused,
    has_resumed,
    pause_sentence,
    stand_after,
)
from tests.makers import NOW_MS

POLICY = ReputationPolicy()
PROVEN = Happened(fact=Fact.PROVEN)


def after(*happened: Happened, standing: Standing | None = None, now_ms: int = NOW_MS) -> Standing:
    return stand_after(standing or Standing(), happened, policy=POLICY, now_ms=now_ms)


def crashes(*details: str) -> list[Happened]:
    return [Happened(fact=Fact.CRASHED, detail=detail) for detail in details]


def test_the_last_three_faults_are_remembered_newest_first() -> None:
    one_by_one = Standing()
    for crash in crashes("1", "2", "3", "4"):
        one_by_one = after(crash, PROVEN, standing=one_by_one)

    assert one_by_one.last_faults == ("crashed: 4", "crashed: 3", "crashed: 2")
    assert after(*crashes("1", "2", "3", "4")).last_faults == one_by_one.last_faults


def test_a_late_proof_is_a_proof_and_late_and_no_fault() -> None:
    stands = after(Happened(fact=Fact.LATE), PROVEN)

    assert (stands.counters.proven, stands.counters.late) == (2 * ONE, ONE)
    assert (stands.breaker.outcomes, stands.last_faults) == ("..", ())


def test_a_fault_is_told_in_one_line_of_bounded_length() -> None:
    [told] = after(Happened(fact=Fact.LOST, detail="first\nsecond\tthird  " + "x" * 500)).last_faults
    assert told.startswith("lost: first second third x")
    assert len(told) == DETAIL_CHARS_MAX
    assert after(Happened(fact=Fact.LOST)).last_faults == ("lost",)


@pytest.mark.parametrize(
    ("reason", "fact"),
    [
        (ReturnReason.PROVER_LOST, Fact.LOST),
        (ReturnReason.TIMED_OUT, Fact.LOST),
        (ReturnReason.BAD_PROOF, Fact.INVALID),
        (ReturnReason.CHILD_CRASHED, Fact.CRASHED),
        (ReturnReason.UNPROVABLE, Fact.CRASHED),
    ],
)
def test_which_fact_a_lease_is_that_ended_by_its_provers_fault(reason: ReturnReason, fact: Fact) -> None:
    assert fault_of(reason, "why") == Happened(fact=fact, detail="why")


def test_a_prover_is_told_when_it_is_paused_until_when_and_why_and_when_that_is_over() -> None:
    well = after(PROVEN)
    paused = after(*crashes("1", "2", "3"), standing=well)
    over_ms = paused.breaker.paused_until_ms
    healed = after(PROVEN, standing=paused, now_ms=over_ms)

    assert pause_sentence(well, now_ms=NOW_MS) == ""
    assert (has_paused(well, paused), has_resumed(well, paused)) == (True, False)
    faults = "Last faults: crashed: 3; crashed: 2; crashed: 1"
    assert pause_sentence(paused, now_ms=over_ms - 29_001) == (
        f"no work for 30 s, then one job at a time until one verifies. {faults}"
    )
    assert pause_sentence(paused, now_ms=over_ms) == f"one job at a time until one verifies. {faults}"
    assert (has_paused(paused, healed), has_resumed(paused, healed)) == (False, True)
    assert (has_paused(well, well), has_resumed(well, well)) == (False, False)  # nothing changed, nobody is told
    assert (has_paused(paused, paused), has_resumed(paused, paused)) == (False, False)
    assert pause_sentence(healed, now_ms=over_ms) == ""


def test_facts_are_forgotten_as_fast_as_the_network_says() -> None:
    slow = ReputationPolicy(half_life_ms=1_000)
    before = stand_after(Standing(), [PROVEN, PROVEN], policy=slow, now_ms=NOW_MS)
    later = stand_after(before, [], policy=slow, now_ms=NOW_MS + 1_000)
    assert later.counters.proven <= ONE
    assert stand_after(before, [], policy=POLICY, now_ms=NOW_MS + 1_000).counters.proven > ONE


def test_a_pause_without_a_known_fault_still_says_why() -> None:
    nameless = Standing(breaker=Breaker(paused_until_ms=NOW_MS + 1))
    assert pause_sentence(nameless, now_ms=NOW_MS).endswith("Last faults: it failed too often")
