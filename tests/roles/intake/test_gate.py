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


class GateUnderTest:
    """A gate with few places, whose gateway is as late as told."""

    def __init__(self, *, places: int = 2, patience_ms: int = 60_000) -> None:
        self.clock = ManualClock()
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
        for _ in range(64):
            group.create_task(one.work(FLOOD))
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
