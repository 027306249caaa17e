"""Honest markets from a seed: who is there, what it is worth to them, and one owner who may attack."""

from __future__ import annotations

import numpy as np

from proofgrid.simulation.attackers.market import SETTING, SMALL, Machine, Market, Task, constrained
from proofgrid.simulation.chance import generator

ATTACKER = "attacker"  #: owns a middling prover and sends a task in each round
NARROW = constrained("narrow")  #: a lane that half of the provers meet, with a part of the demand
TASKS_EACH_ROUND, PROVERS, ROUNDS, STAY = 12, 8, 20, 10
NARROW_SHARE = 0.15
SLOTS_PER_JOB = 1.1
UNITS_LEAST, UNITS_MOST = 500, 1_000
JOBS = (1, 1, 2)  #: of a task, as likely as each other


def honest_market(seed: int) -> Market:
    """Return the market of a seed, in which everybody says the truth."""
    chance = generator(seed, "attackers")
    machines = _machines(chance)
    tasks = tuple(_task(now, place, chance) for now in range(ROUNDS) for place in range(TASKS_EACH_ROUND))
    names = [machine.prover_id for machine in machines]
    return Market(
        seed=seed, rounds=ROUNDS + STAY, tasks=tasks, machines=machines, accepts={NARROW: frozenset(names[::2])}
    )


def _task(now: int, place: int, chance: np.random.Generator) -> Task:
    is_attackers = place == 0
    value = chance.uniform(1.0, 1.8) if is_attackers else 1.2 * chance.lognormal(0.0, 0.5)
    count = JOBS[int(chance.integers(len(JOBS)))]
    units = chance.integers(UNITS_LEAST, UNITS_MOST, size=count, endpoint=True).tolist()
    is_narrow = chance.random() < NARROW_SHARE and not is_attackers
    return Task(
        task_id=f"t{now}-{place}",
        owner=ATTACKER if is_attackers else f"client {int(chance.integers(TASKS_EACH_ROUND))}",
        value=max(1, round(SETTING * float(value))),
        job_units=tuple(int(one) for one in units),
        arrives=now,
        leaves=now + STAY,
        lane=NARROW if is_narrow else SMALL,
    )


def _machines(chance: np.random.Generator) -> tuple[Machine, ...]:
    wanted = TASKS_EACH_ROUND * sum(JOBS) / len(JOBS) * SLOTS_PER_JOB
    slots = [2] + [1] * (PROVERS - 1)
    while sum(slots) < wanted:
        slots[int(chance.integers(PROVERS))] += 1
    return tuple(
        Machine(
            prover_id=f"p{place}",
            owner=f"operator {place}" if place else ATTACKER,
            cost=max(
                1, round(0.8 * SETTING * float(chance.lognormal(0.0, 0.4) if place else chance.uniform(0.9, 1.1)))
            ),
            slots=count,
        )
        for place, count in enumerate(slots)
    )
