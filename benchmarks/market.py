"""Does a clearing grow like the sorting of its orders? DARA's clear against Python's sorted, same orders, same run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from operator import attrgetter
from random import Random
from typing import Any

from benchmarks.measuring import Result, Target, busy_percent, say
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

NAME = "market"
SIZES = (1_000, 10_000, 100_000)
GROWTH_MAX = 1.5
REFERENCE = 1_000
RUNS_PER_REPETITION = 3  #: a clearing is so short that one number would be chance


def run(*, repetitions: int) -> Result:
    """Clear books of growing size."""
    busy = busy_percent()
    table = [_row(size, repetitions * RUNS_PER_REPETITION) for size in SIZES]
    growth = table[-1]["ratio"] / table[0]["ratio"]
    return Result(
        name=NAME,
        measured=f"one DARA clearing of {SIZES[-1]:,} orders",
        against="sorting the same orders by price and rank with Python's sorted",
        ratio=table[-1]["ratio"],
        targets=(
            Target(
                text=f"the ratio to sorting grows at most {GROWTH_MAX} times from {SIZES[0]:,} orders "
                f"to {SIZES[-1]:,}; it grows {growth:.2f} times",
                met=growth <= GROWTH_MAX,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
    )


def _row(size: int, runs: int) -> dict[str, Any]:
    bids, asks = a_book(size)
    rules = ClearingRules.suggested(REFERENCE, sellers=len(asks))
    by_price = attrgetter("price", "rank")

    units = clear(bids, asks, rules).units
    clearing = _median_seconds(lambda: clear(bids, asks, rules), runs)
    sorting = _median_seconds(lambda: (sorted(bids, key=by_price), sorted(asks, key=by_price)), runs)
    say(f"{size:,} orders, {units:,} units traded: clearing {clearing:.4f} s, sorting {sorting:.4f} s")
    return {
        "orders": size,
        "clearing_us_per_order": round(clearing / size * 1e6, 3),
        "sorting_us_per_order": round(sorting / size * 1e6, 3),
        "ratio": round(clearing / sorting, 3),
    }


def a_book(size: int) -> tuple[list[Bid], list[Ask]]:
    """Return half bids, half asks, whose prices overlap so that both clocks have work; always the same."""
    random = Random(size)
    half = size // 2
    bids = [
        Bid(order_id=f"b{i}", units=random.randint(1, 100), price=random.randint(500, 1_500), rank=rank)
        for i, rank in enumerate(random.sample(range(half), half))
    ]
    asks = [
        Ask(order_id=f"a{i}", units=random.randint(1, 100), price=random.randint(500, 1_500), rank=rank)
        for i, rank in enumerate(random.sample(range(half), half))
    ]
    return bids, asks


def _median_seconds(work: Callable[[], object], runs: int) -> float:
    # Processor time, which other processes disturb less than wall time; and nobody else's rubbish is collected.
    seconds = []
    for _ in range(runs):
        gc.collect()
        gc.disable()
        started_at = time.process_time()
        work()
        seconds.append(time.process_time() - started_at)
        gc.enable()
    return sorted(seconds)[len(seconds) // 2]
