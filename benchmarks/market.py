"""Does a clearing grow like the sorting of its orders, and are a million orders cleared within a second?

DARA's two clearings against Python's sorted, same orders, same run. `pure` reads like the specification and takes
lists of orders. `fast` gives the same result from columns: the whole of `clear_columns`, that is checks, sorting, both
clocks, and prices, fills and slices as columns. `fast_lists` is `clear_fast`: it also makes the columns of lists of
orders, and a Clearing with ids of the result. Making or reading the orders themselves counts nowhere.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from operator import attrgetter
from random import Random
from typing import Any

from benchmarks.measuring import Result, Target, busy_percent, say
from proofgrid.rules.market.columns import OrderColumns
from proofgrid.rules.market.dara import clear
from proofgrid.rules.market.fast import clear_columns, clear_fast
from proofgrid.rules.market.orders import Ask, Bid, ClearingRules

NAME = "market"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
SMALLEST, COMPARED, LARGEST = SIZES[0], SIZES[-2], SIZES[-1]
GROWTH_MAX = 1.5
EXPONENT_MAX = 1.2  #: n log n from 100,000 to 1,000,000 is 1.08
LARGEST_SECONDS_MAX = 1.0
REFERENCE = 1_000
RUNS_PER_REPETITION = 3  #: a clearing is so short that one number would be chance


def run(*, repetitions: int) -> Result:
    """Clear books of growing size."""
    busy = busy_percent()
    table = {size: _row(size, repetitions * (1 if size == LARGEST else RUNS_PER_REPETITION)) for size in SIZES}
    growth = table[COMPARED]["ratio"] / table[SMALLEST]["ratio"]
    fast_seconds = {size: row["fast_us_per_order"] * size / 1e6 for size, row in table.items()}
    lists_seconds = table[LARGEST]["fast_lists_us_per_order"] * LARGEST / 1e6
    exponent = math.log(fast_seconds[LARGEST] / fast_seconds[COMPARED]) / math.log(LARGEST / COMPARED)
    return Result(
        name=NAME,
        measured=f"one pure DARA clearing of {COMPARED:,} orders",
        against="sorting the same orders by price and rank with Python's sorted",
        ratio=table[COMPARED]["ratio"],
        targets=(
            Target(
                text=f"the ratio to sorting grows at most {GROWTH_MAX} times from {SMALLEST:,} orders "
                f"to {COMPARED:,}; it grows {growth:.2f} times",
                met=growth <= GROWTH_MAX,
            ),
            Target(
                text=f"the fast clearing of {LARGEST:,} orders, columns in and columns out, takes at most "
                f"{LARGEST_SECONDS_MAX:.0f} s of one core; it takes {fast_seconds[LARGEST]:.2f} s",
                met=fast_seconds[LARGEST] <= LARGEST_SECONDS_MAX,
            ),
            Target(
                text=f"from lists of as many orders to a Clearing with ids it takes at most "
                f"{LARGEST_SECONDS_MAX:.0f} s as well; it takes {lists_seconds:.2f} s",
                met=lists_seconds <= LARGEST_SECONDS_MAX,
            ),
            Target(
                text=f"the time from columns grows from {COMPARED:,} to {LARGEST:,} orders with an exponent of at most "
                f"{EXPONENT_MAX} (1 is linear); it is {exponent:.2f}",
                met=exponent <= EXPONENT_MAX,
            ),
        ),
        table=tuple(table.values()),
        busy_before_percent=busy,
    )


def _row(size: int, runs: int) -> dict[str, Any]:
    bids, asks = a_book(size)
    columns = OrderColumns.of(bids), OrderColumns.of(asks)
    rules = ClearingRules.suggested(REFERENCE, sellers=len(asks))
    by_price = attrgetter("price", "rank")

    units = clear(bids, asks, rules).units
    pure = _median_seconds(lambda: clear(bids, asks, rules), runs)
    fast = _median_seconds(lambda: clear_columns(*columns, rules), runs)
    fast_lists = _median_seconds(lambda: clear_fast(bids, asks, rules), runs)
    sorting = _median_seconds(lambda: (sorted(bids, key=by_price), sorted(asks, key=by_price)), runs)
    say(
        f"{size:,} orders, {units:,} units traded: pure {pure:.4f} s, fast {fast:.4f} s "
        f"(from lists {fast_lists:.4f} s), sorting {sorting:.4f} s"
    )
    return {
        "orders": size,
        "pure_us_per_order": round(pure / size * 1e6, 3),
        "fast_us_per_order": round(fast / size * 1e6, 3),
        "fast_lists_us_per_order": round(fast_lists / size * 1e6, 3),
        "sorting_us_per_order": round(sorting / size * 1e6, 3),
        "ratio": round(pure / sorting, 3),
        "fast_ratio": round(fast / sorting, 3),
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
