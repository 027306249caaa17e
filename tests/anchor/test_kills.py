"""kill -9 of the anchor between any two of its steps: nothing is slashed twice, nothing is forgotten."""

from __future__ import annotations

import os
import random

import pytest

from proofgrid.store.database import Database
from tests.anchor.life import TAKEN, ChainLife
from tests.anchor.test_slashing import missed, states

KILLS = int(os.environ.get("ANCHOR_KILLS", "0")) or 6  #: ANCHOR_KILLS=200 takes some minutes
STEPS = 24  #: commits of a debt's life, both sides of each; more are never reached, which is a run without a kill


class Killed(BaseException):
    """The process is gone."""


def doomed(database: Database, steps: int, *names: str) -> None:
    """Kill whoever reaches so many boundaries of transactions that act, or of those with these names."""
    left = steps

    def reach(boundary: str) -> None:
        nonlocal left
        if boundary.startswith(names or ("owe_chain", "send_chain")):
            left -= 1
            if left < 0:
                raise Killed(boundary)

    database.on_boundary = reach


async def played_until_killed(life: ChainLife) -> None:
    try:
        await life.played_out()
    except Killed:
        pass
    finally:
        life.database.on_boundary = None


async def test_a_killed_anchor_slashes_once(life: ChainLife) -> None:
    await life.joined()
    chance = random.Random(17)
    places = (
        [at * STEPS // KILLS for at in range(KILLS)]
        if KILLS < STEPS
        else [chance.randrange(STEPS) for _ in range(KILLS)]
    )
    owed = []
    for place in places:
        owed.append((await missed(life))[1])
        doomed(life.database, place)
        await played_until_killed(life)
        await life.close()
        life.open()
        await life.played_out()
        taken = [(state, amount) for state, amount, _ in await life.slashes()]
        assert taken == [(TAKEN, one * 10**9) for one in owed], place
        assert set(await states(life)) == {"final"}


async def test_two_anchors_at_once_do_no_harm(life: ChainLife, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each believes that it is its turn, as after a connection that was lost and is not known to be."""
    await life.joined()
    amounts = [(await missed(life))[1]]
    first = life.anchor
    life.open()
    second = life.anchor

    async def mine() -> bool:
        return True

    for anchor in (first, second):
        monkeypatch.setattr(anchor._turn, "take", mine)
    await life.played_out_by(first, second)
    assert [(state, amount) for state, amount, _ in await life.slashes()] == [(TAKEN, amounts[0] * 10**9)]
    assert await states(life) == ["final"]
