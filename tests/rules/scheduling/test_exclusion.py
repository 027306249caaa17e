"""Jobs with exclusions: they enter when somebody may run them, and get rounds of their own by lot."""

from __future__ import annotations

from collections import Counter

from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.exclusion import JobCounts, jobs_for, sitting_out
from proofgrid.rules.scheduling.rank import RankHashes


def a_job(job_id: str, *excluded: str) -> JobDemand:
    return JobDemand(job_id=job_id, units=1, excluded=frozenset(excluded))


def a_task(task_id: str, *jobs: JobDemand) -> TaskDemand:
    return TaskDemand(task_id=task_id, jobs=jobs, limit_price=5, program_digest="p")


def a_prover(prover_id: str) -> ProverSupply:
    return ProverSupply(prover_id=prover_id, operator="o", ask_price=5, free_slots=1, reputation_bucket=0)


def test_only_jobs_that_somebody_may_run_are_bid_for() -> None:
    mixed = a_task("t", a_job("a", "p", "q"), a_job("b", "p"))
    barred = a_task("u", a_job("c", "p", "q"))

    found = jobs_for([mixed, barred], [a_prover("p"), a_prover("q")])

    assert {task_id: [job.job_id for job in jobs] for task_id, jobs in found.items()} == {"t": ["b"]}
    assert jobs_for([mixed, barred], []) == {}
    assert jobs_for([a_task("t")], [a_prover("p")]) == {}
    counts = JobCounts([mixed, barred])
    assert [counts.may_run(name) for name in ("p", "q", "r")] == [0, 1, 3]


def drawn(slots: dict[str, int], *tasks: TaskDemand, rounds: int = 4_000) -> Counter[frozenset[str]]:
    """Return who sat out in how many rounds."""
    jobs = {task.task_id: task.jobs for task in tasks}
    return Counter(sitting_out(jobs, slots, hashes=RankHashes(i.to_bytes(2, "big"))) for i in range(rounds))


def test_in_a_quarter_of_the_rounds_the_provers_that_one_task_must_avoid_sit_out() -> None:
    tasks = [a_task("t", a_job("a", "p", "elsewhere"), a_job("b", "r")), a_task("u", a_job("c", "q")), a_task("v")]
    tasks[-1] = a_task("v", a_job("d"))

    found = drawn({"p": 1, "q": 1, "r": 14}, *tasks)

    assert set(found) == {frozenset(), frozenset({"p"}), frozenset({"q"})}
    assert 400 < found[frozenset({"p"})] < 600
    assert 400 < found[frozenset({"q"})] < 600


def test_of_many_excluded_provers_an_eighth_of_the_slots_sits_out_at_most() -> None:
    slots = {f"p{i}": 2 for i in range(16)}

    found = drawn(slots, a_task("junk", a_job("a", *slots)))

    assert {len(out) for out in found} == {0, 2}
    assert sum(map(len, found)) > 16  # not always the same


def test_a_prover_with_more_than_an_eighth_sits_out_that_much_more_seldom() -> None:
    found = drawn({"p": 1, "q": 1}, a_task("t", a_job("a", "p")))

    assert 170 < found[frozenset({"p"})] < 330  # a quarter of a quarter of the rounds: an eighth of half of the slots


def test_nobody_sits_out_where_nobody_is_excluded() -> None:
    assert set(drawn({"p": 1}, a_task("t", a_job("a", "elsewhere"), a_job("b", "p")), rounds=50)) == {frozenset()}
