"""Jobs on columns lie where the pure rule lays them, wherever some of them must not go."""

from __future__ import annotations

from random import Random

import numpy as np

from proofgrid.rules.scheduling.demand_and_supply import JobDemand
from proofgrid.rules.scheduling.placement import Stretch, place_jobs
from proofgrid.rules.scheduling.placement_columns import UNSOLD, place_columns


def test_a_thousand_random_lines_are_placed_alike() -> None:
    random = Random(11)
    moved = unsold = 0
    for _ in range(1_000):
        capacity = [random.randint(1, 4) for _ in range(random.randint(1, 8))]
        jobs = [1] * random.randint(0, sum(capacity))
        left = sum(jobs)
        sold = []
        for units in capacity:
            sold.append(min(units, left))
            left -= sold[-1]
        excluded = {
            job: set(random.sample(range(len(capacity)), random.randint(1, len(capacity))))
            for job in range(len(jobs))
            if random.random() < 0.3
        }

        found = place_columns(np.array(jobs, dtype=np.int64), np.array(sold), np.array(capacity), excluded)

        expected = _pure(jobs, sold, capacity, excluded)
        assert found.tolist() == expected, (jobs, sold, capacity, excluded)
        unsold += expected.count(UNSOLD)
        moved += expected != _pure(jobs, sold, capacity, {})
    assert moved > 100
    assert unsold > 100


def _pure(jobs: list[int], sold: list[int], capacity: list[int], excluded: dict[int, set[int]]) -> list[int]:
    demands = tuple(
        JobDemand(job_id=str(job), units=units, excluded=frozenset(map(str, excluded.get(job, ()))))
        for job, units in enumerate(jobs)
    )
    line = [Stretch(prover_id=str(place), sold=sold[place], slots=capacity[place]) for place in range(len(capacity))]
    placements, _ = place_jobs([("task", demands)], line, sell_price=1)
    chosen = {placement.job_id: int(placement.prover_id) for placement in placements}
    return [chosen.get(str(job), UNSOLD) for job in range(len(jobs))]
