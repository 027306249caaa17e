"""A market that starts while the database goes away: it looks when it is back, and takes nobody down."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.errors import Unavailable
from proofgrid.primitives.ids import Lane
from tests.roles.lanes import LANE, LaneUnderTest


async def test_a_market_looks_for_work_until_the_database_answers(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lane.add_task()
    market, found, tries = lane.market, asyncio.Event(), 0
    look = market.wake_all

    async def away_at_first() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Unavailable("the database is away")
        await look()

    def note(woken: Lane) -> None:
        assert woken == LANE
        found.set()

    monkeypatch.setattr(market, "wake_all", away_at_first)
    monkeypatch.setattr(market, "wake", note)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        running = group.create_task(market.run())
        await found.wait()
        running.cancel()

    assert tries == 2
