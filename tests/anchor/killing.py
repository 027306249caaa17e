"""kill -9 of the anchor between any two of its steps: at a few places, or at ANCHOR_KILLS by chance (`make kills`)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

from proofgrid.store.database import Database

KILLS = int(os.environ.get("ANCHOR_KILLS", "0"))


class Killed(BaseException):
    """The process is gone."""


def places(steps: int, few: int) -> list[int]:
    """Return, kill by kill, behind how many commits it happens. `steps`: both sides of each of a life; more is none."""
    if KILLS:
        chance = random.Random(17)
        return [chance.randrange(steps) for _ in range(KILLS)]
    return [at * steps // few for at in range(few)]


@contextmanager
def dying(database: Database, steps: int, *names: str) -> Iterator[None]:
    """Kill whoever reaches so many boundaries of transactions with these names."""
    left = steps

    def reach(boundary: str) -> None:
        nonlocal left
        if boundary.startswith(names):
            left -= 1
            if left < 0:
                raise Killed(boundary)

    database.on_boundary = reach
    try:
        yield
    except Killed:
        pass
    finally:
        database.on_boundary = None
