"""Buckets: a public table, monotone in every fact, and sentences that say why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.reputation.buckets import (
    BUCKET_WORST,
    bucket_of,
    reasons,
    share_permille,
    speed_confidence_permille,
)
from proofgrid.rules.reputation.counters import HALF_LIFE_MS, ONE, Counters, decayed

amounts = st.integers(0, 10**12)
counters = st.builds(Counters, proven=amounts, late=amounts, lost=amounts, crashed=amounts, invalid=amounts)


@pytest.mark.parametrize(
    ("counts", "bucket"),
    [
        ({}, 1),  # new
        ({"proven": 14}, 1),
        ({"proven": 15}, 0),
        ({"crashed": 1}, 2),
        ({"invalid": 1}, 3),
        ({"proven": 100, "invalid": 1}, 1),
        ({"proven": 1_000, "invalid": 1}, 0),
        ({"proven": 100, "late": 100}, 1),
        ({"proven": 10, "crashed": 10}, 2),
        ({"crashed": 4}, 3),
    ],
)
def test_the_table(counts: dict[str, int], bucket: int) -> None:
    assert bucket_of(Counters(**{name: count * ONE for name, count in counts.items()})) == bucket


def test_fifteen_proofs_are_just_enough_and_the_first_step_of_forgetting_is_too_much() -> None:
    fifteen = Counters(proven=15 * ONE)
    assert share_permille(fifteen) == 950
    assert bucket_of(decayed(fifteen, now_ms=HALF_LIFE_MS >> 16)) == 0
    assert bucket_of(decayed(fifteen, now_ms=(HALF_LIFE_MS >> 16) + 1)) == 1


@given(counters)
def test_one_more_success_never_worsens_and_one_more_invalid_proof_never_improves(before: Counters) -> None:
    assert bucket_of(replace(before, proven=before.proven + ONE)) <= bucket_of(before)
    assert bucket_of(replace(before, invalid=before.invalid + ONE)) >= bucket_of(before)
    assert bucket_of(replace(before, crashed=before.crashed + ONE)) >= bucket_of(before)
    assert bucket_of(replace(before, lost=before.lost + ONE)) >= bucket_of(before)
    assert bucket_of(replace(before, late=before.late + ONE)) >= bucket_of(before)
    assert 0 <= bucket_of(before) <= BUCKET_WORST
    assert type(share_permille(before)) is int


@given(counters)
def test_whoever_is_forgotten_is_new_again(before: Counters) -> None:
    assert bucket_of(decayed(before, now_ms=64 * HALF_LIFE_MS)) == bucket_of(Counters())


@given(counters)
def test_there_is_always_a_reason_and_it_names_the_bucket(before: Counters) -> None:
    said = reasons(before)
    assert len(said) >= 2
    assert said[0].startswith(f"bucket {bucket_of(before)}: ")
    assert bool(before.invalid) == any("invalid proofs" in sentence for sentence in said)


def test_the_reasons_are_sentences_with_numbers_that_people_read() -> None:
    counted = Counters(proven=12 * ONE, late=ONE // 2, lost=2 * ONE, crashed=ONE + 1, invalid=ONE)
    assert reasons(counted) == [
        "bucket 2: its success share counts as 63.6 % (bucket 1 needs 80.0 %)",
        "1 invalid proofs, each weighs as much as five crashes",
        "1.1 jobs that failed at it, or that it gave back without a reason that held",
        "2 leases that were lost or ran out of time",
        "0.5 of its proofs were late against the estimate",
        "12 verified proofs",
    ]
    assert reasons(Counters(proven=15 * ONE)) == [
        "bucket 0: its success share counts as 95.0 % (bucket 0 needs 95.0 %)",
        "15 verified proofs",
    ]
    assert reasons(Counters()) == [
        "bucket 1: its success share counts as 80.0 % (bucket 0 needs 95.0 %)",
        "nothing is known of it yet, or all of it was forgotten",
    ]


def test_nothing_that_counts_reads_as_nothing() -> None:
    assert "0.1 jobs that failed at it, or that it gave back without a reason that held" in reasons(Counters(crashed=1))


def test_confidence_in_a_speed_grows_with_its_samples() -> None:
    known = [speed_confidence_permille(Speed(units=1, wall_ms=1, samples=samples)) for samples in (0, 3, 30, 64)]
    assert known == [0, 500, 909, 955]
