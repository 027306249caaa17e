"""Jobs that must not go to some provers: who may enter, and who sits out so that such a job can be sold at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from proofgrid.rules.market.edition_1.supplies import ProverSupply
from proofgrid.rules.scheduling.demand_and_supply import TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes

SIT_OUT_IN = 2  #: one round in so many, drawn by lot, is arranged for a job with exclusions


def entering(demands: Iterable[TaskDemand], supplies: Sequence[ProverSupply]) -> list[TaskDemand]:
    """Return the demands with only those jobs that at least one of the provers may run; tasks without any are out."""
    prover_ids = frozenset(supply.prover_id for supply in supplies)
    found: list[TaskDemand] = []
    for demand in demands:
        jobs = [job for job in demand.jobs if not prover_ids <= job.excluded]
        if len(jobs) == len(demand.jobs):
            found.append(demand)
        elif jobs:
            found.append(replace(demand, jobs=tuple(jobs)))
    return [demand for demand in found if demand.jobs]


def sitting_out(
    demands: Iterable[TaskDemand], supplies: Iterable[ProverSupply], *, hashes: RankHashes
) -> frozenset[str]:
    """Return the ids of provers that do not enter this round; `demands` are those that entered.

    A clearing keeps just the cheapest sellers that suffice. When all of them are excluded for a job, because the
    cheapest prover failed it, say, the job stays unsold, and would in every round to come. So in one round of two
    the provers excluded for the first job of one task sit out; lots choose the rounds and the task. Exclusions are
    public facts of earlier rounds and lots know no price, so the clearing stays truthful.
    """
    prover_ids = frozenset(supply.prover_id for supply in supplies)
    hindered = [demand for demand in demands if not demand.jobs[0].excluded.isdisjoint(prover_ids)]
    if not hindered or int(hashes["sit out"][-1], 16) % SIT_OUT_IN:
        return frozenset()
    chosen = min(hindered, key=lambda demand: hashes[demand.task_id])
    return chosen.jobs[0].excluded & prover_ids
