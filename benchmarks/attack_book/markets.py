"""Honest markets of several sizes, from a seed: who is there, what it is worth to them, and how large jobs are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from benchmarks.attack_book.world import FOREVER, Machine, Market, constrained
from proofgrid.simulation.attackers.market import SETTING, SMALL, Task

CLIENT, OPERATOR = "client 0", "operator 0"  #: who attacks: a client with a task in each round, a middling prover
NARROW = constrained("narrow")  #: a lane that half of the provers meet, with a part of the demand
QUIET = constrained("quiet")  #: a lane of three provers, in which there is a task now and then
UNITS_MEAN = 750

#: distribution of job sizes -> how one is drawn; about 750 PU in the mean but for the last
JOB_SIZES: Mapping[str, Callable[[Random], int]] = {
    "equal": lambda _: UNITS_MEAN,
    "500 to 1000": lambda chance: chance.randint(500, 1_000),
    "lognormal": lambda chance: min(60_000, 1 + round(450 * math.exp(chance.gauss(0, 1)))),
    "Pareto 1.1": lambda chance: min(60_000, round(100 * chance.paretovariate(1.1))),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a market is, and how it moves."""

    tasks: int  #: that come in each round
    provers: int
    rounds: int = 30
    stay: int = 1  #: rounds that a task waits
    jobs: tuple[int, ...] = (1, 1, 2)  #: of a task, as likely as each other
    sizes: str = "500 to 1000"
    slots_per_job: float = 1.1
    narrow_share: float = 0.15
    round_units: int = FOREVER  #: see Market
    waves: bool = False  #: demand comes and goes


FLOW = "flow, 3 a round x 8"
SHAPES: Mapping[str, Shape] = {
    "8 x 4": Shape(tasks=8, provers=4),
    "20 x 8": Shape(tasks=20, provers=8),
    "40 x 15": Shape(tasks=40, provers=15),
    # Rounds as they are, every 100 ms: a job of 750 PU keeps its slot for eight of them.
    FLOW: Shape(tasks=3, provers=8, rounds=60, stay=20, round_units=100, slots_per_job=9.0),
}


def a_market(shape: Shape, seed: int) -> Market:
    """Return an honest market; the same shape and seed give the same one."""
    chance = Random(f"{shape} {seed}")
    machines = _machines(shape, chance)
    names = [machine.prover_id for machine in machines]
    tasks: list[Task] = []
    for now in range(shape.rounds):
        count = shape.tasks
        if shape.waves:
            count = max(1, round(shape.tasks * (1 + 0.6 * math.sin(2 * math.pi * now / 12)) * chance.uniform(0.7, 1.3)))
        for place in range(count):
            owner = CLIENT if not place else f"client {1 + chance.randrange(shape.tasks)}"
            lane = NARROW if place and chance.random() < shape.narrow_share else SMALL
            tasks.append(
                Task(
                    task_id=f"t{now}-{place}",
                    owner=owner,
                    # The attacking client's value is middling or better, so that it has something to gain.
                    value=round(SETTING * (chance.uniform(1.0, 1.8) if not place else 1.2 * _lognormal(chance, 0.5))),
                    job_units=tuple(JOB_SIZES[shape.sizes](chance) for _ in range(chance.choice(shape.jobs))),
                    arrives=now,
                    leaves=now + shape.stay,
                    lane=lane,
                )
            )
        if not now % 4 and now:
            tasks.append(_quiet_task(now, shape, chance))
    return Market(
        seed=seed,
        rounds=shape.rounds,
        tasks=tuple(tasks),
        machines=machines,
        accepts={NARROW: frozenset(names[::2]), QUIET: frozenset(names[:3])},
        round_units=shape.round_units,
    )


def _machines(shape: Shape, chance: Random) -> tuple[Machine, ...]:
    wanted = shape.tasks * sum(shape.jobs) / len(shape.jobs) * shape.slots_per_job
    slots = [1] * shape.provers
    while sum(slots) < wanted:
        slots[chance.randrange(len(slots))] += 1
    slots[0] = max(2, slots[0])
    return tuple(
        Machine(
            prover_id=f"p{place}",
            owner=f"operator {place}",
            cost=round(0.8 * SETTING * (chance.uniform(0.9, 1.1) if not place else _lognormal(chance, 0.4))),
            slots=count,
        )
        for place, count in enumerate(slots)
    )


def _quiet_task(now: int, shape: Shape, chance: Random) -> Task:
    return Task(
        task_id=f"q{now}",
        owner="quiet client",
        value=round(SETTING * chance.uniform(1.5, 3.0)),
        job_units=(JOB_SIZES[shape.sizes](chance),),
        arrives=now,
        leaves=now + shape.stay,
        lane=QUIET,
    )


def _lognormal(chance: Random, sigma: float) -> float:
    return math.exp(chance.gauss(0, sigma))
