"""What does each attack of the attack book earn, and what does it cost the others?

Every attack is a function of a market (benchmarks/attack_book): seeded markets of three sizes are played twice,
honestly and attacked, with the same beacons and the network's own rounds. Gains are in parts of what the attacker has
when it is honest, losses in parts of what all others have then. Fees and bonds come on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from benchmarks.attack_book.attacks import LETTERS, VARIANTS, Outcome, Variant, outcome_of
from benchmarks.attack_book.markets import JOB_SIZES, SHAPES, a_market
from benchmarks.attack_book.mixed_sizes import share_of_optimum
from benchmarks.attack_book.patience import patience_rows
from benchmarks.attack_book.shares import error_of, share_of
from benchmarks.attack_book.world import play
from benchmarks.measuring import Result, Target, busy_percent, say

NAME = "attacks"
MARKETS_PER_REPETITION = 10  #: of each size
GAIN_MAX = LOSS_MAX = 0.01
MAY_STAY = ("E", "K")  #: known, with their measured size

#: sizes of jobs -> the least share of the optimum that should run at once
RUNS_NOW_LEAST = {"equal": 0.99, "500 to 1000": 0.95, "lognormal": 0.80, "Pareto 1.1": 0.74}

Row: TypeAlias = dict[str, Any]


def run(*, repetitions: int) -> Result:
    """Carry out every attack in markets of every size."""
    busy = busy_percent()
    markets = repetitions * MARKETS_PER_REPETITION
    rows = [row for size in SHAPES for row in attack_rows(size, range(markets))]
    sizes = [_sizes_row(name, range(markets)) for name in JOB_SIZES]
    patience = patience_rows(range(markets))
    worst = [_worst([row for row in rows if row["attack"] == letter]) for letter in _letters(rows)]
    failing = [row for row in worst if row["fails"] and row["attack"] not in MAY_STAY]
    slow = [row for row in sizes if row["share"] < RUNS_NOW_LEAST[row["variant"]]]
    return Result(
        name=NAME,
        measured="attacks that gain more than 1%, or cost the others more, with 95% confidence, in markets of any size",
        against="all attacks of the attack book but E and K, which may stay",
        ratio=len(failing) / len([row for row in worst if row["attack"] not in MAY_STAY]),
        targets=(
            Target(
                text=f"no attack gains more than 1% of the truthful utility or costs the others more than 1%; "
                f"{', '.join(row['attack'] for row in failing) or 'none'} do",
                met=not failing,
            ),
            Target(
                text=f"what can run now against the optimum, 50 x 15: at least {RUNS_NOW_LEAST}; "
                f"{', '.join(row['variant'] for row in slow) or 'none'} below",
                met=not slow,
            ),
        ),
        table=(*rows, *sizes, *patience),
        busy_before_percent=busy,
    )


def attack_rows(size: str, seeds: Sequence[int], variants: Iterable[Variant] = VARIANTS) -> list[Row]:
    """Return what each attack does in honest markets of one size."""
    honest = [a_market(SHAPES[size], seed) for seed in seeds]
    before = [play(market) for market in honest]
    rows = []
    for variant in variants:
        outcomes = [
            outcome_of(variant.owner, market, variant.attack(market), played)
            for market, played in zip(honest, before, strict=True)
        ]
        rows.append(row_of(variant, size, outcomes))
    say(f"{size}: {len(rows)} attacks in {len(honest)} markets each")
    return rows


def row_of(variant: Variant, size: str, outcomes: Sequence[Outcome]) -> Row:
    """Return one attack's numbers: sums over all markets, with 95% confidence."""
    gains, truthful = [one.gain for one in outcomes], [one.truthful for one in outcomes]
    losses, others = [one.lost for one in outcomes], [one.others for one in outcomes]
    gain, gain_error = share_of(gains, truthful), error_of(gains, truthful)
    lost, lost_error = share_of(losses, others), error_of(losses, others)
    clients = share_of([one.clients_lost for one in outcomes], [one.clients for one in outcomes])
    provers = share_of([one.provers_lost for one in outcomes], [one.provers for one in outcomes])
    return {
        "attack": variant.letter,
        "what": LETTERS[variant.letter],
        "variant": variant.name,
        "for": variant.owner.split()[0],
        "market": size,
        "gain": gain,
        "gain_95": gain_error,
        "others_lose": lost,
        "lose_95": lost_error,
        "clients_lose": clients,
        "provers_lose": provers,
        "holds": gain <= GAIN_MAX and lost <= LOSS_MAX,
        "fails": gain - gain_error > GAIN_MAX or lost - lost_error > LOSS_MAX,
    }


def _sizes_row(sizes: str, seeds: Sequence[int]) -> Row:
    share = float(np.mean([share_of_optimum(sizes, seed) for seed in seeds]))
    say(f"{sizes}: {share:.3f} of the optimum runs now")
    return {"attack": "H", "what": LETTERS["H"], "variant": sizes, "market": "50 x 15", "share": round(share, 4)}


def _letters(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["attack"] for row in rows))


def _worst(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: (row["fails"], row["gain"] + row["others_lose"]))
