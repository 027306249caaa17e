"""The market of the process that admits is woken at once, and once; others by notifications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from proofgrid.primitives.errors import InsufficientFunds, Unavailable
from proofgrid.roles.intake import writing_down
from proofgrid.roles.intake.writing_down import MarketHere
from proofgrid.store.listener import Listener
from tests.makers import a_request
from tests.roles.intake.test_looking_around import admitting
from tests.roles.lanes import CLIENT, LANE, STACK, LaneUnderTest

pytestmark = pytest.mark.usefixtures("toy_system_on_path")


@asynccontextmanager
async def hearing(lane: LaneUnderTest) -> AsyncIterator[asyncio.Queue[str]]:
    told: asyncio.Queue[str] = asyncio.Queue()
    listener = Listener(lane.database.dsn, {"lanes": told.put_nowait})
    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run())
        await listener.wait_listening()
        yield told
        running.cancel()


async def test_what_is_admitted_wakes_the_market_here_before_anybody_is_notified(lane: LaneUnderTest) -> None:
    market, woken = lane.market, list[str]()
    here = MarketHere(origin=str(lane.gateway_id), wake=woken.append)
    async with hearing(lane) as told, admitting(lane, market=here) as (admission, _):
        await admission.submit(CLIENT, a_request(program_digest="p", inputs=(1, 2)))
        assert woken == [LANE]
        heard = await told.get()
    assert heard.split(" ") == [LANE, str(lane.gateway_id)]
    # Its own market was woken already; the market of any other gateway is now.
    market.hear(heard)
    assert market._stacks == {}
    market.hear(f"{LANE} another-gateway")
    assert list(market._stacks) == [STACK]


async def test_whoever_names_no_origin_wakes_every_market(lane: LaneUnderTest) -> None:
    market = lane.market
    async with hearing(lane) as told:
        await lane.add_task()
        market.hear(await told.get())
    assert list(market._stacks) == [STACK]


async def test_what_is_refused_wakes_nobody(lane: LaneUnderTest) -> None:
    woken = list[str]()
    async with admitting(lane, market=MarketHere(origin="", wake=woken.append)) as (admission, _):
        with pytest.raises(InsufficientFunds):
            await admission.submit(CLIENT, a_request(program_digest="p", limit_price=10**15))
    assert woken == []


async def test_a_commit_of_which_nobody_knows_wakes_the_market(
    lane: LaneUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = list[str]()

    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("the database went away during the commit")

    monkeypatch.setattr(writing_down, "admit_tasks", away)
    async with admitting(lane, market=MarketHere(origin="", wake=woken.append)) as (admission, _):
        with pytest.raises(Unavailable):
            await admission.submit(CLIENT, a_request(program_digest="p"))
    assert woken == [LANE]
