"""The best welfare that a round could have had, exactly: a knapsack over whole units, with the cheapest sellers.

    best(u)  = the most that buyers who want u units in all value them, all or nothing   (dynamic programme)
    cost(u)  = what the u cheapest units cost                                            (sellers can be divided)
    optimum  = the greatest best(u) - cost(u)

Live rounds sell slots: there the longest jobs belong on the cheapest slots.

It knows everybody's truth and pays nobody, so no auction reaches it everywhere.
"""

from __future__ import annotations

import numpy as np

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.columns import Column

IMPOSSIBLE = -(2**62)
SUM_MAX = 2.0**61


def best_welfare(*, bid_units: Column, values: Column, ask_units: Column, costs: Column, grain: int = 1) -> int:
    """Return the optimum; values and costs are per unit. All bids are multiples of `grain` units."""
    if (bid_units % grain).any():
        raise InvalidField("every size is a multiple of the grain", field="grain")
    if float(np.dot(bid_units.astype(np.float64), values.astype(np.float64))) > SUM_MAX:
        raise InvalidField("these values are too large for the exact optimum", field="values")
    if not len(costs) or not len(values):
        return 0
    useful = values > costs.min()
    bid_units, values = bid_units[useful], values[useful]
    cells = min(int(bid_units.sum()), int(ask_units.sum())) // grain
    worth = _best_values(bid_units // grain, values * bid_units, cells)
    welfare = worth - _cheapest(ask_units, costs, cells, grain)
    return int(welfare[worth >= 0].max(initial=0))


def best_in_slots(*, units: Column, values: Column, slot_costs: Column) -> int:
    """Return the most that jobs of these units can be worth, when each takes one slot, now; values, costs: per unit.

    Whichever jobs run, the longest belongs on the cheapest slot; so the longest come first, and each takes the next
    slot or none.
    """
    if float(np.dot(units.astype(np.float64), values.astype(np.float64))) > SUM_MAX:
        raise InvalidField("these values are too large for the exact optimum", field="values")
    order = np.argsort(-units, kind="stable")
    costs = np.sort(slot_costs)[: len(units)]
    best = np.full(len(costs) + 1, IMPOSSIBLE, dtype=np.int64)
    best[0] = 0
    for job_units, value in zip(units[order].tolist(), values[order].tolist(), strict=True):
        # The right side is computed before anything is written, so no job runs twice.
        np.maximum(best[1:], best[:-1] + job_units * (value - costs), out=best[1:])
    return int(best.max())


def _best_values(sizes: Column, worths: Column, cells: int) -> Column:
    best = np.full(cells + 1, IMPOSSIBLE, dtype=np.int64)
    best[0] = 0
    reached = 0
    for size, worth in zip(sizes.tolist(), worths.tolist(), strict=True):
        if size > cells:
            continue
        reached = min(cells, reached + size)
        # The right side is computed before anything is written, so nobody is served twice.
        np.maximum(best[size : reached + 1], best[: reached + 1 - size] + worth, out=best[size : reached + 1])
    return best


def _cheapest(ask_units: Column, costs: Column, cells: int, grain: int) -> Column:
    """Return what 0, 1, 2, ... grains of the cheapest units cost."""
    order = np.argsort(costs, kind="stable")
    units, costs = ask_units[order], costs[order]
    until = np.cumsum(units)
    paid = np.cumsum(units * costs)
    wanted = np.arange(cells + 1, dtype=np.int64) * grain
    seller = np.minimum(np.searchsorted(until, wanted, side="left"), len(costs) - 1)
    return np.asarray(paid[seller] - (until[seller] - wanted) * costs[seller])
