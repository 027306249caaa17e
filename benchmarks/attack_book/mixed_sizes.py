"""H: how much of what could run at once does run, where jobs are of very different sizes?

Slots are alike within a round but for their cost, and each runs one job at a time. So the optimum is an assignment of
jobs to slots, which knows everybody's truth; what the market sold beyond a prover's slots does not run.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.attack_book.markets import Shape, a_market
from benchmarks.attack_book.world import Market, play
from proofgrid.simulation.attackers.market import SMALL


def share_of_optimum(sizes: str, seed: int) -> float:
    """Return the welfare of what ran, over the best that could have, in one market of fresh rounds."""
    market = a_market(Shape(rounds=8, tasks=50, provers=15, sizes=sizes, narrow_share=0.0, jobs=(1,)), seed)
    market = Market(
        seed=market.seed,
        rounds=market.rounds,
        tasks=tuple(task for task in market.tasks if task.lane == SMALL),
        machines=market.machines,
    )
    return play(market).welfare / _optimum(market)


def _optimum(market: Market) -> int:
    by_round: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for task in market.tasks:
        by_round[task.arrives] += [(task.value, units) for units in task.job_units]
    costs = np.array([machine.cost for machine in market.machines for _ in range(machine.slots)])
    best = 0
    for jobs in by_round.values():
        values, units = np.array(jobs).T
        gains = np.maximum(0, (values[:, np.newaxis] - costs) * units[:, np.newaxis])
        rows, columns = linear_sum_assignment(gains, maximize=True)
        best += int(gains[rows, columns].sum())
    return best
