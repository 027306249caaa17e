"""kill -9 of the anchor between any two of its steps: nothing is slashed twice, nothing is forgotten."""

from __future__ import annotations

import pytest

from tests.anchor.killing import dying, places
from tests.anchor.life import TAKEN, ChainLife
from tests.anchor.test_slashing import missed, states

pytestmark = pytest.mark.thorough

STEPS = 24


async def test_a_killed_anchor_slashes_once(life: ChainLife) -> None:
    await life.joined()
    owed = []
    for place in places(STEPS, few=6):
        owed.append((await missed(life))[1])
        with dying(life.database, place, "owe_chain", "send_chain"):
            await life.played_out()
        await life.close()
        life.open()
        await life.played_out()
        taken = [(state, amount) for state, amount, _ in await life.slashes()]
        assert taken == [(TAKEN, one * 10**9) for one in owed], place
        assert set(await states(life)) == {"final"}


async def test_two_anchors_at_once_do_no_harm(life: ChainLife, monkeypatch: pytest.MonkeyPatch) -> None:
    await life.joined()
    amounts = [(await missed(life))[1]]
    await life.played_out_by(*life.two_at_once(monkeypatch))
    assert [(state, amount) for state, amount, _ in await life.slashes()] == [(TAKEN, amounts[0] * 10**9)]
    assert await states(life) == ["final"]
