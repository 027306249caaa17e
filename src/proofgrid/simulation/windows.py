"""Looks at some rounds while a world runs, and compares what was sold with the best that could have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from proofgrid.rules.market.columns import Column
from proofgrid.rules.market.fast_stack import ClearedRound
from proofgrid.rules.scheduling.placement_columns import UNSOLD
from proofgrid.simulation.books import Book
from proofgrid.simulation.leases import NO_JOB
from proofgrid.simulation.optimum import best_in_slots

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
            if len(book.jobs[lane]) * int(done.asks.units.sum()) > CELLS_MAX:
                continue
            self.seen += 1
            got, best = welfare(world, book, lane, done)
            world.history.windows.append((book.number, lane, len(book.jobs[lane]), len(done.asks), got, best))


def welfare(world: World, book: Book, lane: int, done: ClearedRound) -> tuple[int, int]:
    """Return what a lane's trades are worth to all who trade, and the most that they could have been."""
    best = best_in_slots(
        units=book.lanes[lane].job_units,
        values=world.jobs.value[book.jobs[lane]],
        slot_costs=np.repeat(_costs(world, book, done), done.asks.units),
    )
    return gained(world, book, lane, done), best


def gained(world: World, book: Book, lane: int, done: ClearedRound) -> int:
    """Return what a lane's trades are worth to all who trade."""
    is_placed = done.places != UNSOLD
    won = done.cleared.bought[is_placed]
    sellers = done.cleared.still_in[done.places[is_placed]]
    values = world.jobs.value[book.jobs[lane][won]]
    return int(np.dot(values - _costs(world, book, done)[sellers], book.lanes[lane].job_units[won]))


def _costs(world: World, book: Book, done: ClearedRound) -> Column:
    costs: Column = world.real_cost[world.provers.machine[book.provers[done.sellers]]]
    return costs
