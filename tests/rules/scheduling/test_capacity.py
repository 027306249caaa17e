"""How much a prover offers and how much of a task bids."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.scheduling.capacity import covered_jobs, draws_one_job
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes

quick = settings(deadline=None, derandomize=True, max_examples=200)


def jobs_of(*units: int) -> tuple[JobDemand, ...]:
    return tuple(JobDemand(job_id=f"j{i}", units=size) for i, size in enumerate(units))


def a_prover(prover_id: str, *, free_slots: int = 1) -> ProverSupply:
    return ProverSupply(prover_id=prover_id, operator="o", ask_price=5, free_slots=free_slots, reputation_bucket=0)


@quick
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(0, 30))
def test_a_bid_covers_as_many_first_jobs_as_half_of_the_slots_whatever_their_size(units: list[int], slots: int) -> None:
    jobs = jobs_of(*units)

    covered = covered_jobs(jobs, capacity=slots, one_job=False)

    assert covered == jobs[: len(covered)]
    assert len(covered) == max(1, min(len(jobs), slots // 2))


def test_a_bid_drawn_for_one_job_covers_one() -> None:
    assert covered_jobs(jobs_of(1, 1, 1), capacity=100, one_job=True) == jobs_of(1)


def test_about_one_bid_in_four_is_drawn_for_one_job() -> None:
    hashes = RankHashes(b"beacon")

    drawn = sum(draws_one_job(hashes[f"task {i}"]) for i in range(2000))

    assert 400 < drawn < 600


def test_a_bad_offer_is_refused_with_the_name_of_its_field() -> None:
    with pytest.raises(InvalidField, match="units"):
        JobDemand(job_id="j", units=0)
    with pytest.raises(InvalidField, match="limit_price"):
        TaskDemand(task_id="t", jobs=jobs_of(1), limit_price=-1, program_digest="p")
    with pytest.raises(InvalidField, match="jobs"):
        TaskDemand(task_id="t", jobs=jobs_of(1) * 2, limit_price=1, program_digest="p")
    with pytest.raises(InvalidField, match="free_slots"):
        a_prover("p", free_slots=-1)
