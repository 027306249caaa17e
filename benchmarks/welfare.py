"""How much of the best possible welfare does a clearing reach, by size of the market and scarcity?

Independent rounds of fresh books, four models of values pooled, uniform and heavy-tailed sizes; the reference price is
carried from round to round by the network's own rule. The best is exact: an integer knapsack over all units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Result, Target, busy_percent, say
from proofgrid.rules.market.columns import Column, OrderColumns
from proofgrid.rules.market.fast_classes import ClearedLane, LaneColumns, clear_class_columns
from proofgrid.rules.market.orders import ClearingRules
from proofgrid.simulation.optimum import best_welfare
from proofgrid.simulation.references import following_reference

NAME = "welfare"
MARKETS = ((3, 2), (8, 4), (20, 8), (50, 15), (200, 40), (500, 100))
SIZES = ("uniform", "heavy")
SUPPLY_PER_DEMAND = (0.4, 1.0, 3.0)
ROUNDS_PER_REPETITION = 8  #: of each value model
BURN_IN = 4  #: rounds in which the reference finds its level
UNITS_MAX, HEAVY_MAX, PARETO = 100, 2_000, 1.1
PRICE = 1_000.0
TARGET_MEDIAN, TARGET_BUYERS, TARGET_SELLERS = 0.97, 50, 15

Chance: TypeAlias = np.random.Generator
Floats: TypeAlias = NDArray[np.float64]
Draw: TypeAlias = Callable[[Chance, int], Floats]

#: what buyers' values and sellers' costs are drawn from
VALUE_MODELS: dict[str, tuple[Draw, Draw]] = {
    "uniform": (
        lambda chance, count: chance.uniform(0.2 * PRICE, 1.8 * PRICE, count),
        lambda chance, count: chance.uniform(0.2 * PRICE, 1.8 * PRICE, count),
    ),
    "lognormal": (
        lambda chance, count: 1.2 * PRICE * chance.lognormal(0.0, 0.6, count),
        lambda chance, count: 0.8 * PRICE * chance.lognormal(0.0, 0.4, count),
    ),
    "inelastic": (
        lambda chance, count: chance.uniform(3.0 * PRICE, 5.0 * PRICE, count),
        lambda chance, count: chance.uniform(0.5 * PRICE, 1.5 * PRICE, count),
    ),
    "flat costs": (
        lambda chance, count: chance.uniform(0.5 * PRICE, 2.0 * PRICE, count),
        lambda chance, count: chance.uniform(0.95 * PRICE, 1.05 * PRICE, count),
    ),
}


def run(*, repetitions: int) -> Result:
    """Clear books of every size and scarcity."""
    busy = busy_percent()
    table = []
    for (buyers, sellers), sizes, scarcity in product(MARKETS, SIZES, SUPPLY_PER_DEMAND):
        shares, kept = _shares(buyers, sellers, sizes, scarcity, rounds=repetitions * ROUNDS_PER_REPETITION)
        table.append(_row(buyers, sellers, sizes, scarcity, shares, kept))
        say(f"{buyers} buyers, {sellers} sellers, {sizes}, supply/demand {scarcity}: median {np.median(shares):.3f}")
    large = [row for row in table if row["buyers"] >= TARGET_BUYERS and row["sellers"] >= TARGET_SELLERS]
    least = min(large, key=lambda row: float(row["median"]))
    return Result(
        name=NAME,
        measured="the welfare of a clearing in the worst setting with 50 buyers and 15 sellers or more, median",
        against="the exact integer optimum of the same books",
        ratio=float(least["median"]),
        targets=(
            Target(
                text=f"the median is at least {TARGET_MEDIAN} of the optimum in each setting with "
                f"{TARGET_BUYERS}+ buyers and {TARGET_SELLERS}+ sellers; the least is {least['median']:.3f} "
                f"({least['buyers']} x {least['sellers']}, {least['sizes']}, {least['supply_per_demand']})",
                met=float(least["median"]) >= TARGET_MEDIAN,
            ),
        ),
        table=tuple(table),
        busy_before_percent=busy,
    )


def _row(
    buyers: int, sellers: int, sizes: str, scarcity: float, shares: list[float], kept: list[float]
) -> dict[str, Any]:
    return {
        "buyers": buyers,
        "sellers": sellers,
        "sizes": sizes,
        "supply_per_demand": scarcity,
        "least": round(min(shares), 2),
        "median": round(float(np.median(shares)), 3),
        "mean": round(float(np.mean(shares)), 3),
        "kept_by_treasury": round(float(np.mean(kept)), 3),
        "rounds": len(shares),
    }


def _shares(buyers: int, sellers: int, sizes: str, scarcity: float, *, rounds: int) -> tuple[list[float], list[float]]:
    """Return, round by round, welfare and the treasury's part as shares of the optimum."""
    shares: list[float] = []
    kept: list[float] = []
    for number, model in enumerate(VALUE_MODELS):
        chance = np.random.default_rng([buyers, sellers, SIZES.index(sizes), int(10 * scarcity), number])
        for round_number, (lane, done) in enumerate(fresh_rounds(model, buyers, sellers, sizes, scarcity, chance)):
            if round_number >= BURN_IN + rounds:
                break
            best = best_welfare(
                bid_units=lane.bids.units, values=lane.bids.price, ask_units=lane.asks.units, costs=lane.asks.price
            )
            if round_number >= BURN_IN and best:
                shares.append(_welfare(lane, done) / best)
                kept.append(done.cleared.surplus / best)
    return shares, kept


def fresh_rounds(
    model: str, buyers: int, sellers: int, sizes: str, scarcity: float, chance: Chance
) -> Iterator[tuple[LaneColumns, ClearedLane]]:
    """Yield rounds of fresh books; only the reference is carried on."""
    values, costs = VALUE_MODELS[model]
    reference: int | None = None
    while True:
        bid_units = _units(sizes, chance, buyers)
        ask_units = _units(sizes, chance, sellers)
        scale = scarcity * bid_units.sum() / ask_units.sum()
        lane = LaneColumns(
            bids=_orders(bid_units, values(chance, buyers), chance),
            asks=_orders(np.maximum(1, np.rint(ask_units * scale)).astype(np.int64), costs(chance, sellers), chance),
            rules=ClearingRules.suggested(reference, sellers=sellers),
        )
        (done,) = clear_class_columns([lane])
        yield lane, done
        reference = following_reference(reference, lane.bids, done)


def _orders(units: Column, prices: Floats, chance: Chance) -> OrderColumns:
    price = np.maximum(1, np.rint(prices)).astype(np.int64)
    return OrderColumns(units=units, price=price, rank=chance.permutation(len(units)))


def _units(sizes: str, chance: Chance, count: int) -> Column:
    if sizes == "heavy":
        return np.minimum(HEAVY_MAX, np.ceil(5 * (1 + chance.pareto(PARETO, count)))).astype(np.int64)
    return chance.integers(1, UNITS_MAX + 1, count)


def _welfare(lane: LaneColumns, done: ClearedLane) -> int:
    cleared = done.cleared
    gained = int(np.dot(lane.bids.price[cleared.bought], cleared.bought_units))
    return gained - int(np.dot(done.asks.price[cleared.still_in], cleared.sold_units))
