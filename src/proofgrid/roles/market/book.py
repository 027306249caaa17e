"""What a round is made of: rows of tasks, jobs, wishes and sessions, as the orders that the rules read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from proofgrid.rules.jobs.hedging import enters_round
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, TaskDemand

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Book:
    """What a round is made of, with the rows that the leases will need."""

    tasks: dict[str, Any] = field(default_factory=dict)
    demands: list[TaskDemand] = field(default_factory=list)
    supplies: list[ProverSupply] = field(default_factory=list)
    jobs: dict[str, Any] = field(default_factory=dict)
    sessions: dict[str, Any] = field(default_factory=dict)
    wishes: dict[str, Any] = field(default_factory=dict)  #: leased jobs that want a second lease
    skipped: bool = False  #: a task with ready jobs was locked by somebody else


def demands_of(tasks: list[Any], jobs: list[Any], free: dict[str, Any]) -> list[TaskDemand]:
    """Return the orders of tasks with ready jobs."""
    by_task: dict[Any, list[JobDemand]] = defaultdict(list)
    room = min((row["memory_bytes"] - row["memory_busy"] for row in free.values()), default=0)
    for job in jobs:
        anybody = not job["excluded"] and job["memory_bytes"] <= room
        by_task[job["task_id"]].append(
            JobDemand(
                job_id=str(job["job_id"]), units=job["units"], excluded=NOBODY if anybody else _excluded(job, free)
            )
        )
    return [
        TaskDemand(
            task_id=str(task["task_id"]),
            jobs=tuple(by_task[task["task_id"]]),
            limit_price=task["limit_price"],
            program_digest=task["program_digest"],
        )
        for task in tasks
        if by_task[task["task_id"]]
    ]


def with_wishes(book: Book, number: int) -> list[TaskDemand]:
    """Return the orders of a round with wishes: a wish is its task's only order, in every second round at least."""
    demands = {demand.task_id: demand for demand in book.demands}
    wishing: dict[str, TaskDemand] = {}
    for job_id, wish in book.wishes.items():
        task_id = str(wish["task_id"])
        # Of several wishes of one task the oldest, which stands first.
        if task_id not in wishing and enters_round(number, has_ready_jobs=task_id in demands):
            job = JobDemand(job_id=job_id, units=wish["units"], excluded=_excluded(wish, book.sessions))
            wishing[task_id] = TaskDemand(
                task_id=task_id,
                jobs=(job,),
                limit_price=wish["hedge_price"],
                program_digest=book.tasks[task_id]["program_digest"],
            )
    return list((demands | wishing).values())


def may_prove(job: Any, free: dict[str, Any]) -> bool:
    """Is there anybody free who may and can prove it?"""
    return not _excluded(job, free).issuperset(free)


def supply_of(row: Any) -> ProverSupply:
    """Return what a prover with free slots offers."""
    return ProverSupply(
        prover_id=row["prover_id"],
        operator=row["operator"],
        ask_price=row["price"],
        free_slots=row["slots"] - row["busy"],
        reputation_bucket=0,
        cached_programs=frozenset(row["cached_programs"]),
    )


def _excluded(job: Any, free: dict[str, Any]) -> frozenset[str]:
    """Return the provers that may not have a job; a wish is also not for the operator whose lease is slow."""
    named = {name for name, until_ms in job["excluded"].items() if until_ms > job["now_ms"]}
    if "hedge_operator" in job:
        named.add(job["hedge_operator"])
    # What a prover cannot hold in memory beside its other jobs, it cannot prove.
    excluded = {p for p, row in free.items() if row["memory_bytes"] - row["memory_busy"] < job["memory_bytes"]}
    excluded |= {p for p, row in free.items() if p in named or row["operator"] in named} if named else set()
    return frozenset(excluded)
