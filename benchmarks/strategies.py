"""What does a lie earn, in one round and over a whole run, and what does a griefing buyer achieve?

One round: the sealed books of a simulated market, each cleared again with one liar; exact. Whole runs: the same world
and seed twice, one machine's strategy changed. Both through `proofgrid.simulation`, so through the network's rules.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from typing import Any, TypeAlias

import numpy as np

from benchmarks.measuring import Result, Target, busy_percent, say
from benchmarks.welfare import BURN_IN, SIZES, SUPPLY_PER_DEMAND, VALUE_MODELS, fresh_rounds
from proofgrid.rules.market.fast_classes import clear_class_columns
from proofgrid.simulation import griefing
from proofgrid.simulation.lies import MOST_LEAVE, MOST_STAY, NO_LIMIT, PRICE_LIES, Lies
from proofgrid.simulation.pairs import compare
from proofgrid.simulation.presets import PRESETS
from proofgrid.simulation.report import report_of
from proofgrid.simulation.scenario import Scenario
from proofgrid.simulation.world import World

NAME = "strategies"
MARKETS = (12, 60, 200)  #: provers
JOBS_PER_PROVER = 100
SCARCITY = ("quiet", "market-day", "scarce")
CASES_PER_REPETITION = 10
FRESH = ((8, 4), (20, 8), (50, 15), (200, 40))  #: buyers, sellers
FRESH_ROUNDS_PER_REPETITION = 20
SHORT = {
    MOST_STAY: "half at most, most stay in",
    MOST_LEAVE: "half at most, most ask too much",
    NO_LIMIT: "without the rule",
}

Row: TypeAlias = dict[str, Any]


def run(*, repetitions: int) -> Result:
    """Try every lie in markets of several sizes and scarcities."""
    busy = busy_percent()
    one_round: list[Row] = []
    attacks: list[Row] = []
    for provers in MARKETS:
        told, attacked = _one_round(provers, repetitions)
        one_round, attacks = [*one_round, *told], [*attacks, *attacked]
        say(f"{provers} provers: every lie in {sum(row['cases'] for row in told)} cases")
    fresh = [_griefed(buyers, sellers, repetitions) for buyers, sellers in FRESH]
    runs = _whole_runs(repetitions * CASES_PER_REPETITION)
    paying = [row for row in one_round if row["what"] in PRICE_LIES and row["pays"]]
    better = [row for row in runs if row["change"] - row["plus_minus_95"] > 0]
    stopped = {rule: _stopped(attacks, rule) for rule in (MOST_STAY, MOST_LEAVE, NO_LIMIT)}
    return Result(
        name=NAME,
        measured="rounds that the griefing attack stops under the network's rules",
        against="rounds that it stops where one bid may cover the whole supply",
        ratio=_ratio(attacks),
        targets=(
            Target(text=f"no lie about a price pays in any round; it does in {len(paying)} rows", met=not paying),
            Target(
                text="over whole runs no strategy earns significantly more (95%) than honesty; "
                f"{len(better)} of {len(runs)} do",
                met=not better,
            ),
            Target(
                text="the griefing attack stops no round with four sellers or more; it stops "
                f"{stopped[MOST_STAY]} where most of the supply stays in, {stopped[MOST_LEAVE]} where most of it "
                f"asks too much, {stopped[NO_LIMIT]} without the rule; "
                f"of fresh books {sum(row['stopped'] for row in fresh)} of {sum(row['cases'] for row in fresh)}",
                met=not any(
                    row["stopped"] for row in fresh + [row for row in attacks if row["what"] != SHORT[NO_LIMIT]]
                ),
            ),
        ),
        table=(*one_round, *runs, *attacks, *fresh),
        busy_before_percent=busy,
    )


def _one_round(provers: int, repetitions: int) -> tuple[list[Row], list[Row]]:
    """Return what lies earn in one round, and what the griefing attack does."""
    lies = Lies(seed=1)
    for name in SCARCITY:
        for seed in range(1, repetitions + 1):
            world = World(_sized(PRESETS[name], provers, seed), watch=lies)
            world.run()
    report = report_of(world, lies=lies)
    market = f"{provers} provers"
    told = [
        {
            "table": "one round",
            "market": market,
            "what": row["lie"],
            "cases": row["cases"],
            "pays": row["pays_share"],
            "gains": row["gains_share"],
            "change": row["change_share"],
        }
        for row in report["lies_in_one_round"]
    ]
    attacks = [
        {
            "table": "griefing",
            "market": market,
            "what": SHORT[row["rule"]],
            "cases": row["rounds"],
            "stopped": row["stopped"],
            "bought_out": row["bought_out"],
            "others_lose": row["lost_share"],
            "she_pays": row["paid_over_what_others_gain"],
        }
        for row in report["griefing"]
    ]
    return told, attacks


def _griefed(buyers: int, sellers: int, repetitions: int) -> Row:
    """Attack rounds of fresh books, as dara.md does: four value models, all sizes and scarcities."""
    rounds = stopped = stopped_without = 0
    for model, sizes, scarcity in product(VALUE_MODELS, SIZES, SUPPLY_PER_DEMAND):
        chance = np.random.default_rng([buyers, sellers, len(model), len(sizes), int(10 * scarcity)])
        books = islice(fresh_rounds(model, buyers, sellers, sizes, scarcity, chance), BURN_IN, None)
        for lane, done in islice(books, FRESH_ROUNDS_PER_REPETITION * repetitions):
            if not len(done.cleared.bought):
                continue
            (ours,) = clear_class_columns([griefing.attack(lane)])
            (without,) = clear_class_columns([griefing.attack(lane, share=(1, 1))])
            rounds += 1
            stopped += not len(ours.cleared.bought)
            stopped_without += not len(without.cleared.bought)
    return {
        "table": "griefing, fresh books",
        "market": f"{buyers} x {sellers}",
        "what": f"half at most ({stopped_without} without the rule)",
        "cases": rounds,
        "stopped": stopped,
    }


def _whole_runs(cases: int) -> list[Row]:
    rows: list[Row] = []
    for name in SCARCITY:
        report = report_of(World(PRESETS[name]), comparisons=compare(PRESETS[name], cases=cases))
        rows += [
            {
                "table": "whole runs",
                "market": name,
                "what": row["strategy"],
                "cases": row["cases"],
                "pays": row["pays_share"],
                "change": row["gain_share"],
                "plus_minus_95": row["gain_share_95"],
            }
            for row in report["deviations"]
        ]
        say(f"{name}: {cases} pairs of runs per strategy")
    return rows


def _sized(scenario: Scenario, provers: int, seed: int) -> Scenario:
    return replace(scenario, provers=provers, jobs=provers * JOBS_PER_PROVER, seed=seed)


def _count(rows: list[Row], rule: str, column: str = "stopped") -> int:
    return sum(int(row[column]) for row in rows if row["what"] == SHORT[rule])


def _stopped(rows: list[Row], rule: str) -> str:
    return f"{_count(rows, rule)} of {_count(rows, rule, 'cases')}"


def _ratio(rows: list[Row]) -> float:
    ours = _count(rows, MOST_STAY) + _count(rows, MOST_LEAVE)
    return ours / (_count(rows, NO_LIMIT) or 1)
