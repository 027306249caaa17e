"""The gate lets in what the gateway can take, in turn; it refuses the rest at once, with a time to come again."""

from __future__ import annotations

import asyncio

import pytest

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import Busy
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.gate import Gate
from proofgrid.rules.access.pressure import Part, WindowPolicy
from proofgrid.rules.access.waiting_line import LinePolicy

FLOOD, SMALL = Address("flood"), Address("small")


class WaitingClock(ManualClock):
    """Who sleeps does so until the clock is moved."""

    async def sleep(self, seconds: float) -> None:
        until_ms = self.now_ms() + int(seconds * 1_000)
        while self.now_ms() < until_ms:  # noqa: ASYNC110 - a clock that a test moves
            await asyncio.sleep(0)


class GateUnderTest:
    """A gate with few places, whose gateway is as late as told."""

    def __init__(self, *, places: int = 2, patience_ms: int = 60_000) -> None:
        self.clock = WaitingClock()
        self.late_seconds = 0.0
        self.gate = Gate(
            {Part.LOOP: lambda: self.late_seconds},
            self.clock,
            window=WindowPolicy(most_milli=1_000 * places),
            line=LinePolicy(calm_ms=patience_ms, standing_ms=patience_ms // 2, standing_room=4),
        )
        self.inside: list[tuple[Address, asyncio.Event]] = []

    async def work(self, client: Address) -> None:
        async with self.gate.place(client):
            done = asyncio.Event()
            self.inside.append((client, done))
            await done.wait()

    async def finish_one(self) -> None:
        self.inside.pop(0)[1].set()
        await self.settle()

    @staticmethod
    async def settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def who(self) -> list[Address]:
        return [client for client, _ in self.inside]


async def test_no_more_are_let_in_at_once_than_there_are_places() -> None:
    one = GateUnderTest(places=2)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(one.work(FLOOD))
        await one.settle()
        seen = [len(one.inside)]
        for _ in range(5):
            await one.finish_one()
            seen.append(len(one.inside))

    assert seen == [2, 2, 2, 2, 1, 0]


async def test_who_asks_little_is_next_behind_a_flood() -> None:
    one = GateUnderTest(places=1)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(one.work(FLOOD))
        await one.settle()
        group.create_task(one.work(SMALL))
        await one.settle()
        order = []
        while one.inside:
            order += one.who()
            await one.finish_one()

    assert order.index(SMALL) <= 2


async def test_a_standing_line_refuses_the_flood_and_not_who_asks_little() -> None:
    one = GateUnderTest(places=1, patience_ms=2_000)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(one.work(FLOOD))
        await one.settle()
        one.clock.advance(2_000)  # the line has stood for so long
        flood = [asyncio.ensure_future(one.work(FLOOD)) for _ in range(10)]
        await one.settle()
        refused = [task.exception() for task in flood if task.done()]
        small = group.create_task(one.work(SMALL))
        await one.settle()
        waits = not small.done()
        while one.inside:
            await one.finish_one()
        await asyncio.gather(*flood, return_exceptions=True)

    assert len(refused) == 7  # two waited; there is room for four, and for one that is let in meanwhile
    assert all(isinstance(error, Busy) and error.wait_ms >= 250 for error in refused)
    assert waits


async def test_who_waited_too_long_is_told_to_come_again() -> None:
    one = GateUnderTest(places=1, patience_ms=20)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.work(FLOOD))
        await one.settle()
        with pytest.raises(Busy) as told:
            await one.work(SMALL)
        await one.finish_one()

    assert told.value.code == "PG-429"
    assert "try again in" in told.value.detail
    assert told.value.wait_ms > 0


async def test_who_gives_up_in_line_takes_no_place_with_it() -> None:
    one = GateUnderTest(places=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(one.work(FLOOD))
        await one.settle()
        gone, stays = group.create_task(one.work(SMALL)), group.create_task(one.work(FLOOD))
        await one.settle()
        gone.cancel()
        one.inside.pop(0)[1].set()  # a place is free in the same turn of the loop
        await one.settle()
        who = one.who()
        await one.finish_one()
        await stays

    assert who == [FLOOD]


async def test_a_late_gateway_lets_in_less_and_never_nothing_and_all_again_when_it_is_not_late() -> None:
    one = GateUnderTest(places=64)
    one.late_seconds = 10.0
    for _ in range(50):
        one.gate.look()
    async with asyncio.TaskGroup() as group:
        for number in range(64):
            group.create_task(one.work(SMALL if number % 2 else FLOOD))
        await one.settle()
        while_late = len(one.inside)
        one.late_seconds = 0.0
        for _ in range(200):
            one.gate.look()
        await one.settle()
        after = len(one.inside)
        while one.inside:
            await one.finish_one()

    assert while_late == 1
    assert after == 64


async def test_an_error_inside_frees_the_place() -> None:
    one = GateUnderTest(places=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with one.gate.place(SMALL):
                raise ZeroDivisionError


async def test_who_asks_on_whatever_it_is_told_hears_of_it_when_it_may_come_again() -> None:
    one = GateUnderTest(places=1, patience_ms=2_000)
    policy = LinePolicy()
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(one.work(FLOOD))
        await one.settle()
        one.clock.advance(2_000)
        calls = policy.told_at_once + 30
        flood = [asyncio.ensure_future(one.work(FLOOD)) for _ in range(calls)]
        await one.settle()
        told = [task.exception() for task in flood if task.done()]
        kept = [task for task in flood if not task.done()]
        other = asyncio.ensure_future(one.gate._busy(SMALL))
        await one.settle()
        assert other.done()  # nobody else is told late
        one.clock.advance(policy.come_again_most_ms)
        await one.settle()
        late = [task.exception() for task in kept if task.done()]
        while one.inside:
            await one.finish_one()
        await asyncio.gather(*flood, return_exceptions=True)

    assert len(told) == policy.told_at_once
    assert len(late) >= 20
    for error in late:
        assert isinstance(error, Busy)
        assert error.wait_ms == policy.come_again_least_ms  # the rest it has waited for
    assert one.gate._kept_back == 0


async def test_a_refusal_that_nobody_waits_for_any_more_is_not_kept() -> None:
    one = GateUnderTest()
    one.gate._told[FLOOD] = 10**6
    one.gate._refused[-1] = 10**6
    told = asyncio.ensure_future(one.gate._busy(FLOOD))
    await one.settle()
    assert one.gate._kept_back == 1
    told.cancel()
    await one.settle()
    assert one.gate._kept_back == 0
