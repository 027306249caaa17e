"""Jobs that must not go to some provers: who meets whom in a round, and who sits out so that such a job can be sold.

Exclusions are public facts of earlier rounds, and the orders that come here are those that the public price limits
admit. No price beyond that is read, so a winner's lie about its price changes nothing here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes

SIT_OUT_IN = 4  #: one round in so many, drawn by lot, is arranged for a job with exclusions
SIT_OUT_SHARE = (1, 8)  #: of the slots in a lane, at most so many sit out
_LOT_BITS = 64


class JobCounts:
    """How many of some jobs each prover may run."""

    def __init__(self, demands: Iterable[TaskDemand], *, others: int = 0) -> None:
        """Count the jobs of demands, and `others` that every prover may run."""
        self.total = others
        self._excluded: Counter[str] = Counter()
        for demand in demands:
            self.total += len(demand.jobs)
            for job in demand.jobs:
                if job.excluded:
                    self._excluded.update(job.excluded)

    def may_run(self, prover_id: str) -> int:
        """Return how many of the jobs a prover may run."""
        return self.total - self._excluded[prover_id]


def jobs_for(demands: Iterable[TaskDemand], supplies: Iterable[ProverSupply]) -> dict[str, tuple[JobDemand, ...]]:
    """Return by task id the jobs that at least one of the provers may run; tasks without any are not there."""
    prover_ids = frozenset(supply.prover_id for supply in supplies)
    found = {}
    for demand in demands if prover_ids else ():
        jobs = demand.jobs
        for job in jobs:
            if job.excluded:
                jobs = tuple([job for job in jobs if not prover_ids <= job.excluded])
                break
        if jobs:
            found[demand.task_id] = jobs
    return found


def sitting_out(
    jobs: Mapping[str, Sequence[JobDemand]], slots: Mapping[str, int], *, hashes: RankHashes
) -> frozenset[str]:
    """Return the ids of provers that do not enter this round; `jobs`: task id -> what its bid may be for; `slots`: of
    every prover that would enter.

    A clearing keeps just the cheapest sellers that suffice. When all of them are excluded for a job, because the
    cheapest prover failed it, say, the job stays unsold, and would in every round to come. So in one round of four
    provers excluded for the first job of one task sit out, as many as hold an eighth of the lane's slots; lots choose
    the round, the task and the provers. Where a single prover holds more than an eighth, it sits out that much more
    seldom.
    """
    if int(hashes["sit out"][-1], 16) % SIT_OUT_IN:
        return frozenset()
    hindered = [task_id for task_id, of_task in jobs.items() if not of_task[0].excluded.isdisjoint(slots)]
    if not hindered:
        return frozenset()
    chosen = min(hindered, key=lambda task_id: hashes[task_id])
    excluded = sorted((jobs[chosen][0].excluded & slots.keys()), key=lambda prover_id: hashes[f"{prover_id} sits out"])
    return frozenset(_within_the_share(excluded, slots, lot=int(hashes["share"][:16], 16)))


def _within_the_share(excluded: Sequence[str], slots: Mapping[str, int], *, lot: int) -> list[str]:
    """Return the first provers that hold a share of the slots; by the lot one more, or the mean would be less."""
    left = sum(slots.values()) * SIT_OUT_SHARE[0]  #: in parts of a slot
    out = []
    for prover_id in excluded:
        parts = slots[prover_id] * SIT_OUT_SHARE[1]
        if parts > left:
            if (lot * parts) >> _LOT_BITS < left:
                out.append(prover_id)
            break
        left -= parts
        out.append(prover_id)
    return out
