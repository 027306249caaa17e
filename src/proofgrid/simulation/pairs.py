"""Whole runs in pairs: one world and seed twice, with everybody honest, and with one machine's strategy changed.

A run is longer than a round: capacity sold now is not there a minute later, prices lead to prices, reputations to
ranks. What the rules promise for one round is only measured here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from proofgrid.simulation.chance import generator
from proofgrid.simulation.scenario import Scenario, Strategy
from proofgrid.simulation.strategies import CONDUCT
from proofgrid.simulation.world import World

PROVERS_MAX, JOBS_PER_PROVER = 150, 20  #: a pair of runs takes a fraction of a second
CONFIDENCE = 1.96  #: standard errors in 95%


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One machine, or a pair of them, in two runs; base units of money."""

    seed: int
    honest: int
    deviating: int
    capacity_units: int  #: what the machine could do in the run, so that small ones count as much as large ones

    @property
    def honest_per_unit(self) -> float:
        return self.honest / self.capacity_units

    @property
    def gain_per_unit(self) -> float:
        return (self.deviating - self.honest) / self.capacity_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a strategy earned against honesty, in base units per PU that its machines could have done."""

    strategy: Strategy
    pairs: tuple[Pair, ...]

    @property
    def honest_mean(self) -> float:
        return float(np.mean([pair.honest_per_unit for pair in self.pairs]))

    @property
    def gain_mean(self) -> float:
        return float(np.mean([pair.gain_per_unit for pair in self.pairs]))

    @property
    def gain_error(self) -> float:
        """Half of the 95% confidence interval of the mean."""
        if len(self.pairs) < 2:
            return math.inf
        spread = np.std([pair.gain_per_unit for pair in self.pairs], ddof=1)
        return float(CONFIDENCE * spread / math.sqrt(len(self.pairs)))

    @property
    def pays_share(self) -> float:
        """The share of cases in which it earned more than honesty."""
        return sum(pair.deviating > pair.honest for pair in self.pairs) / len(self.pairs)


def compare(
    scenario: Scenario,
    *,
    cases: int,
    strategies: tuple[Strategy, ...] = tuple(Strategy)[1:],
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[], None] = lambda: None,
) -> list[Comparison]:
    """Return the comparisons over so many seeds, beginning with the scenario's own. Worlds are small, all honest."""
    found: dict[Strategy, list[Pair]] = {strategy: [] for strategy in strategies}
    for small in _worlds(scenario, cases):
        if should_stop():
            break
        honest = World(small)
        honest.run()
        progress()
        actors = actors_of(honest)
        for strategy in strategies:
            if should_stop():
                break
            liars = actors if CONDUCT[strategy].is_pair else actors[:1]
            world = World(small, changed=dict.fromkeys(liars, strategy))
            world.run()
            progress()
            honest_earned, earned = (int(run.profit()[liars].sum()) for run in (honest, world))
            capacity = capacity_units(honest, liars)
            pair = Pair(seed=small.seed, honest=honest_earned, deviating=earned, capacity_units=capacity)
            found[strategy].append(pair)
    return [Comparison(strategy=name, pairs=tuple(pairs)) for name, pairs in found.items() if pairs]


def runs_of(cases: int, strategies: int = len(Strategy) - 1) -> int:
    """Return how many runs a comparison takes."""
    return cases * (1 + strategies)


def capacity_units(world: World, machines: list[int]) -> int:
    """Return the PU that these machines can do while jobs come."""
    rows = np.isin(world.provers.machine, machines)
    return max(1, int((world.provers.speed * world.provers.slots)[rows].sum() * world.duration_ms))


def actors_of(world: World) -> list[int]:
    """Return the machine that will lie and its friend: of one class, with slots to split, there all the time."""
    machines = world.scenario.provers
    first = {int(machine): row for row, machine in reversed(list(enumerate(world.provers.machine.tolist())))}
    rows = [first[machine] for machine in range(machines)]
    stays = (world.provers.joins_ms[rows] == 0) & (world.provers.leaves_ms[rows] > world.duration_ms)
    able = np.flatnonzero(stays & (world.provers.slots[rows] > 1))
    if not len(able):
        return [0, min(1, machines - 1)]
    chance = generator(world.scenario.seed, "actors")
    actor = int(chance.choice(able))
    friends = [other for other in able.tolist() if other != actor]
    alike = [other for other in friends if world.provers.lane[rows[other]] == world.provers.lane[rows[actor]]]
    return sorted([actor, int(chance.choice(alike or friends or [actor]))], key=lambda one: one != actor)


def _worlds(scenario: Scenario, cases: int) -> Iterator[Scenario]:
    provers = min(scenario.provers, PROVERS_MAX)
    jobs = min(scenario.jobs, provers * JOBS_PER_PROVER)
    for case in range(cases):
        yield replace(scenario, provers=provers, jobs=jobs, strategies={}, griefing=False, seed=scenario.seed + case)
