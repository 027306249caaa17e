"""Looks at some rounds while a world runs, and compares what was sold with the best that could have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from proofgrid.rules.market.fast_classes import ClearedLane
from proofgrid.simulation.books import Book
from proofgrid.simulation.demand import GRAIN
from proofgrid.simulation.leases import NO_JOB
from proofgrid.simulation.optimum import best_welfare, cells_of

if TYPE_CHECKING:
    from proofgrid.simulation.world import Cleared, World

CELLS_MAX = 60_000_000  #: a larger window would take seconds
WINDOWS_MAX = 60


@dataclass(slots=True)
class Windows:
    """A watch for `World`: every so many rounds, each lane that is small enough."""

    every: int = 10
    seen: int = 0

    def __call__(self, world: World, book: Book, cleared: Cleared) -> None:
        if book.number % self.every or self.seen >= WINDOWS_MAX:
            return
        for lane, done in enumerate(cleared):
            if not len(book.lanes[lane].bids) or not len(done.asks) or (book.jobs[lane] == NO_JOB).any():
                continue
            if cells_of(book.lanes[lane].bids.units, done.asks.units, grain=GRAIN) > CELLS_MAX:
                continue
            self.seen += 1
            got, best = welfare(world, book, lane, done)
            world.history.windows.append((book.number, lane, len(book.jobs[lane]), len(done.asks), got, best))


def welfare(world: World, book: Book, lane: int, done: ClearedLane) -> tuple[int, int]:
    """Return what a lane's trades are worth to all who trade, and the most that they could have been."""
    jobs = book.jobs[lane]
    values = world.jobs.value[jobs]
    costs = world.real_cost[world.provers.machine[book.provers[done.sellers]]]
    gained = int(np.dot(values[done.cleared.bought], done.cleared.bought_units))
    spent = int(np.dot(costs[done.cleared.still_in], done.cleared.sold_units))
    best = best_welfare(
        bid_units=book.lanes[lane].bids.units, values=values, ask_units=done.asks.units, costs=costs, grain=GRAIN
    )
    return gained - spent, best
