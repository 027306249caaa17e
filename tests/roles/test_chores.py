"""Each of several processes does its chores while they are its own, and no longer."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.ids import GatewayId
from proofgrid.roles.chores import Chores
from proofgrid.roles.market.rounds import Market, MarketSettings
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.rules.scheduling.chores import doer_of
from proofgrid.store.database import Database
from tests.makers import a_key
from tests.roles.market.test_rounds import GATEWAY, LANE, STACK, a_lane_with_one_job_and_one_prover

CHORE = "watch"
MINE = doer_of(CHORE, (1, 2)) or 0
OTHER = 3 - MINE


class Work:
    """Says whether it is being done."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self) -> None:
        self.began.set()
        self.ended.clear()
        try:
            await asyncio.Event().wait()
        finally:
            self.began.clear()
            self.ended.set()


def test_a_gateway_that_stands_alone_does_everything() -> None:
    assert Chores.of_one().are_mine(CHORE)


def test_who_was_not_told_does_nothing() -> None:
    assert not Chores(1).are_mine(CHORE)


async def test_work_begins_and_ends_with_the_chore() -> None:
    chores, work = Chores(MINE), Work()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        doing = group.create_task(chores.do(CHORE, work))
        chores.tell((OTHER,))
        await asyncio.sleep(0)
        assert not work.began.is_set()
        chores.tell((1, 2))
        await work.began.wait()
        chores.tell((OTHER,))
        await work.ended.wait()
        chores.tell((MINE,))
        await work.began.wait()
        doing.cancel()
    assert work.ended.is_set()


async def test_work_that_fails_is_not_hidden() -> None:
    async def fail() -> None:
        raise ValueError("loudly")

    with pytest.raises(ExceptionGroup) as caught:
        await Chores.of_one().do(CHORE, fail)
    assert caught.group_contains(ValueError, match="loudly")


async def test_the_rounds_of_a_stack_are_held_by_its_own_process_until_that_one_dies(database: Database) -> None:
    await a_lane_with_one_job_and_one_prover(database)
    owner = doer_of(STACK, (1, 2)) or 0
    chores = {number: Chores(number) for number in (1, 2)}
    markets = {
        number: Market(
            database,
            gateway_id=GatewayId(GATEWAY),
            keys=NetworkKeys.of(a_key()),
            settings=MarketSettings(),
            clock=ManualClock(),
            chores=chores[number],
        )
        for number in (1, 2)
    }
    for one in chores.values():
        one.tell((1, 2))
    other = 3 - owner

    markets[other].wake(LANE)
    stands_by = await markets[other].hold_rounds(STACK)
    chores[other].tell((other,))
    takes_over = await markets[other].hold_rounds(STACK)

    assert markets[other]._stacks == {}
    assert stands_by is not None
    assert stands_by.sold == 0
    assert takes_over is not None
    assert takes_over.sold == 1
