"""How much of the best possible welfare do live rounds reach, in which a slot takes one job of any size?

Jobs of equal, similar, lognormal and Pareto sizes in one lane of 50 tasks and 15 provers; and mixes of tasks with
constraints and without, whose provers may serve both or, half of them, the wide lane only. Independent rounds of fresh
books, the value models of `welfare` pooled; the references are carried from round to round by the network's own rule.
The best is exact: what can run now, the longest jobs on the cheapest slots. For mixes it is that of one common lane, so
where only half of the provers may serve both it is more than can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.measuring import Result, Target, busy_percent, say
from benchmarks.welfare import BURN_IN, PRICE, VALUE_MODELS, Chance
from proofgrid.rules.market.columns import Column, column_of
from proofgrid.rules.market.rounds import JobDemand, ProverSupply, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands, run_stack
from proofgrid.simulation.optimum import best_in_slots

NAME = "live_welfare"
WIDE, NARROW = "net/toy/small", "net/toy/small/aaaa"
TASKS, PROVERS = 50, 15
ROUNDS_PER_REPETITION = 4  #: of each value model
SLOTS_MAX = 6

#: how long jobs are, in PU; with the least median share of the best that is asked for
SIZES: dict[str, tuple[Callable[[Chance, int], Column], float]] = {
    "equal": (lambda chance, count: np.full(count, 1_000), 0.99),
    "500 to 1,000": (lambda chance, count: chance.integers(500, 1_001, count), 0.95),
    "lognormal": (lambda chance, count: np.ceil(1_000 * chance.lognormal(0.0, 1.2, count)).astype(np.int64), 0.80),
    "Pareto 1.1": (lambda chance, count: np.ceil(500 * (1 + chance.pareto(1.1, count))).astype(np.int64), 0.74),
}
MIXES = ((1, 39, 20), (5, 35, 20), (20, 20, 20), (35, 5, 20), (4, 8, 6))  #: tasks with constraints, without, provers


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One round of fresh orders."""

    tasks: Sequence[TaskDemand]
    provers: Sequence[ProverSupply]
    serves_both: Sequence[bool]

    def best(self) -> int:
        """What one common lane could be worth."""
        return best_in_slots(
            units=column_of([task.jobs[0].units for task in self.tasks]),
            values=column_of([task.limit_price for task in self.tasks]),
            slot_costs=column_of([one.ask_price for one in self.provers for _ in range(one.free_slots)]),
        )

    def worth(self, outcomes: Sequence[RoundOutcome]) -> int:
        """What was sold is worth to all who trade."""
        values = {task.task_id: task.limit_price for task in self.tasks}
        costs = {one.prover_id: one.ask_price for one in self.provers}
        return sum(
            (values[placed.task_id] - costs[placed.prover_id]) * placed.units
            for outcome in outcomes
            for placed in outcome.placements
        )


def run(*, repetitions: int) -> Result:
    """Hold rounds of one lane, and of two."""
    busy = busy_percent()
    rounds = repetitions * ROUNDS_PER_REPETITION
    rows: list[dict[str, Any]] = []
    for name, (_, least) in SIZES.items():
        rows.append({**share(0, TASKS, PROVERS, name, 1.0, rounds), "asked for": least})
        say(f"{name}: {rows[-1]['median']}")
    for narrow, wide, provers in MIXES:
        for both in (1.0, 0.5):
            rows.append(share(narrow, wide, provers, "500 to 1,000", both, rounds))
            say(f"{narrow} + {wide}, {provers} provers, {both}: {rows[-1]['median']}")
    of_sizes = rows[: len(SIZES)]
    worst = min(of_sizes, key=lambda row: float(row["median"]) - float(row["asked for"]))
    return Result(
        name=NAME,
        measured=f"welfare of live rounds of {TASKS} tasks and {PROVERS} provers, sizes {worst['sizes']}, median",
        against="the exact optimum of what can run now",
        ratio=float(worst["median"]),
        targets=tuple(
            Target(
                text=f"{row['sizes']}: the median is at least {row['asked for']} of the optimum; it is {row['median']}",
                met=float(row["median"]) >= float(row["asked for"]),
            )
            for row in of_sizes
        ),
        table=tuple(rows),
        busy_before_percent=busy,
    )


def share(narrow: int, wide: int, provers: int, sizes: str, both: float, rounds: int) -> dict[str, Any]:
    """Return welfare over the optimum: median and mean of rounds, and of all rounds together."""
    got = best = 0
    shares = []
    for number, model in enumerate(VALUE_MODELS):
        chance = np.random.default_rng([narrow, wide, provers, list(SIZES).index(sizes), int(10 * both), number])
        references = dict.fromkeys((NARROW, WIDE), int(PRICE))
        for place in range(BURN_IN + rounds):
            book = a_book(model, narrow + wide, provers, sizes, both, chance)
            outcomes = hold(book, narrow, references, chance.bytes(32))
            for outcome in outcomes:
                references[outcome.lane] = outcome.next_reference or references[outcome.lane]
            optimum = book.best()
            if place >= BURN_IN and optimum:
                got, best = got + book.worth(outcomes), best + optimum
                shares.append(book.worth(outcomes) / optimum)
    row = {"with constraints": narrow, "without": wide, "provers": provers, "serve both": both, "sizes": sizes}
    median, mean = round(float(np.median(shares)), 3), round(float(np.mean(shares)), 3)
    return {**row, "median": median, "mean": mean, "together": round(got / best, 3), "rounds": len(shares)}


def a_book(model: str, tasks: int, provers: int, sizes: str, both: float, chance: Chance) -> Book:
    """Draw what waits and who is free."""
    values, costs = VALUE_MODELS[model]
    units = SIZES[sizes][0](chance, tasks).tolist()
    limits = np.maximum(1, np.rint(values(chance, tasks))).astype(np.int64).tolist()
    asks = np.maximum(1, np.rint(costs(chance, provers))).astype(np.int64).tolist()
    slots = chance.integers(1, SLOTS_MAX + 1 if tasks > 2 * provers else 4, provers).tolist()
    return Book(
        tasks=[
            TaskDemand(
                task_id=f"t{place}",
                jobs=(JobDemand(job_id=f"j{place}", units=units[place]),),
                limit_price=limits[place],
                program_digest="p",
            )
            for place in range(tasks)
        ],
        provers=[
            ProverSupply(
                prover_id=f"p{place}",
                operator=f"o{place}",
                ask_price=asks[place],
                free_slots=slots[place],
                reputation_bucket=0,
            )
            for place in range(provers)
        ],
        serves_both=(chance.random(provers) < both).tolist(),
    )


def hold(book: Book, narrow: int, references: dict[str, int], beacon: bytes) -> Sequence[RoundOutcome]:
    """Hold one round of both lanes, or of one where nobody has constraints."""
    demands = {NARROW: book.tasks[:narrow], WIDE: book.tasks[narrow:]}
    lanes = [
        LaneDemands(lane=lane, number=1, previous=None, reference=references[lane], demands=of_lane)
        for lane, of_lane in demands.items()
        if of_lane
    ]
    supplies = [
        dict.fromkeys((NARROW, WIDE) if is_both else (WIDE,), one)
        for one, is_both in zip(book.provers, book.serves_both, strict=True)
    ]
    return run_stack(lanes, supplies, beacon=beacon)
