"""Jobs with exclusions: they enter when somebody may run them, and get rounds of their own by lot."""

from __future__ import annotations

from collections import Counter

from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.exclusion import entering, sitting_out
from proofgrid.rules.scheduling.rank import RankHashes


def a_job(job_id: str, *excluded: str) -> JobDemand:
    return JobDemand(job_id=job_id, units=1, excluded=frozenset(excluded))


def a_task(task_id: str, *jobs: JobDemand) -> TaskDemand:
    return TaskDemand(task_id=task_id, jobs=jobs, limit_price=5, program_digest="p")


def a_prover(prover_id: str) -> ProverSupply:
    return ProverSupply(prover_id=prover_id, operator="o", ask_price=5, free_slots=1, reputation_bucket=0)


def test_only_jobs_that_somebody_may_run_enter() -> None:
    mixed = a_task("t", a_job("a", "p", "q"), a_job("b", "p"))
    barred = a_task("u", a_job("c", "p", "q"))

    entered = entering([mixed, barred], [a_prover("p"), a_prover("q")])

    assert [(demand.task_id, [job.job_id for job in demand.jobs]) for demand in entered] == [("t", ["b"])]
    assert entering([mixed, barred], []) == []
    assert entering([a_task("t")], [a_prover("p")]) == []


def test_in_half_of_the_rounds_the_provers_that_one_task_must_avoid_sit_out() -> None:
    demands = [
        a_task("t", a_job("a", "p", "elsewhere"), a_job("b", "r")),
        a_task("u", a_job("c", "q")),
        a_task("v", a_job("d")),
    ]
    supplies = [a_prover("p"), a_prover("q"), a_prover("r")]

    drawn = Counter(sitting_out(demands, supplies, hashes=RankHashes(bytes([i % 256, i // 256]))) for i in range(1000))

    assert set(drawn) == {frozenset(), frozenset({"p"}), frozenset({"q"})}
    assert 400 < drawn[frozenset()] < 600
    assert 170 < drawn[frozenset({"p"})] < 330


def test_nobody_sits_out_where_nobody_is_excluded() -> None:
    demands = [a_task("t", a_job("a", "elsewhere"), a_job("b", "p"))]

    assert {sitting_out(demands, [a_prover("p")], hashes=RankHashes(bytes([i]))) for i in range(50)} == {frozenset()}
