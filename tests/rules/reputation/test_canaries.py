"""Canaries: directed by exclusion, at provers that nobody knows first, by keys that all gateways share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX
from proofgrid.rules.reputation import canaries
from proofgrid.rules.reputation.canaries import HOUR_MS, LIFE_MS, Candidate

NOW_MS = 1_700_000_000_000


def a_prover(name: str, *, proven: int = 0, system: str = "toy") -> Candidate:
    return Candidate(prover_id=name, proof_systems=frozenset([system]), jobs_proven=proven)


OLD, NEW, OTHER = a_prover("old", proven=9), a_prover("new"), a_prover("other", system="ezkl")


@given(st.integers(0, 2**64))
def test_whoever_has_no_verified_job_is_tried_first(draw: int) -> None:
    assert canaries.choose([OLD, NEW, OTHER], proof_system="toy", draw=draw) == NEW
    assert canaries.choose([OLD, OTHER], proof_system="toy", draw=draw) == OLD
    assert canaries.choose([OTHER], proof_system="toy", draw=draw) is None


def test_everybody_else_is_excluded_and_nobody_is_left_out_of_the_exclusion() -> None:
    assert set(canaries.excluded_but(NEW, [OLD, NEW, OTHER])) == {"old", "other"}


def test_new_provers_are_those_with_fewer_than_eight_verified_jobs() -> None:
    provers = [a_prover("seven", proven=7), a_prover("eight", proven=8), NEW, OTHER]
    assert [one.prover_id for one in canaries.newcomers(provers, proof_system="toy")] == ["seven", "new"]


@given(st.integers(1, 36_000), st.integers(0, 10**6), st.integers(0, 2**64))
def test_a_canary_falls_into_its_own_interval(per_hour: int, occasion: int, draw: int) -> None:
    interval = canaries.interval_ms(per_hour)
    assert interval == HOUR_MS // per_hour
    assert canaries.due_ms(occasion, interval=interval, draw=draw) // interval == occasion


def test_a_new_provers_canary_has_one_name_until_it_proves_it_or_the_time_for_it_is_over() -> None:
    key = canaries.newcomer_key(NEW, now_ms=NOW_MS)
    assert key == canaries.newcomer_key(NEW, now_ms=NOW_MS + 1)
    assert key != canaries.newcomer_key(NEW, now_ms=NOW_MS + LIFE_MS)
    assert key != canaries.newcomer_key(a_prover("new", proven=1), now_ms=NOW_MS)
    longest = a_prover(f"0x{'a' * 40}/{'n' * 63}", proven=7)
    assert len(canaries.newcomer_key(longest, now_ms=NOW_MS)) <= IDEMPOTENCY_KEY_CHARS_MAX
