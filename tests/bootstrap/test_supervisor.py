"""A supervisor and its siblings, with scripted ones: no gateway is started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from proofgrid.bootstrap.gateway.running import GatewayFacts
from proofgrid.bootstrap.gateway.several.messages import (
    Alive,
    Begin,
    Drain,
    Ended,
    Living,
    Order,
    Prepared,
    Ready,
    Report,
    Stop,
    pack,
    read_report,
)
from proofgrid.bootstrap.gateway.several.supervisor import SILENT_SECONDS, Supervisor
from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.deaths import DEATHS_MAX, ProcessLost
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, GatewayId
from proofgrid.settings.gateway import GatewaySettings

FACTS = GatewayFacts(address="127.0.0.1:1", network=Address("n"), setup_for_development=False, data_dir=Path("d"))
IDS = [GatewayId(UUID(int=number)) for number in range(100)]


class ScriptedChild:
    """Says what a test makes it say."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.gateway_id: GatewayId | None = None
        self.heard_at = 0.0
        self.orders: list[Order] = []
        self._said: asyncio.Queue[Report | None] = asyncio.Queue()

    def send(self, order: Order) -> None:
        self.orders.append(order)
        if isinstance(order, Drain | Stop):
            self.die()

    def say(self, *reports: Report) -> None:
        for report in reports:
            self._said.put_nowait(report)

    def die(self) -> None:
        self._said.put_nowait(None)

    async def reports(self) -> AsyncIterator[Report]:
        while (report := await self._said.get()) is not None:
            yield report

    async def exit_text(self) -> str:
        return "killed by signal 9"

    async def end(self, *, patience_seconds: float) -> None:
        """It has ended."""

    @property
    def living(self) -> list[Living]:
        return [order for order in self.orders if isinstance(order, Living)]


class Stage:
    """Two siblings, and all that were ever started."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.started: list[ScriptedChild] = []
        self.supervisor = Supervisor(GatewaySettings(), count=2, clock=self.clock, start=self._start)  # type: ignore[arg-type]

    async def _start(self, number: int) -> ScriptedChild:
        child = ScriptedChild(number)
        self.started.append(child)
        return child

    async def ready(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Bring both up."""
        keeping = [group.create_task(self.supervisor.keep(number)) for number in self.supervisor.numbers]
        await settle()
        for child in self.started:
            child.say(Prepared(IDS[child.number]))
        await settle()
        for child in self.started:
            child.say(Ready(FACTS))
        await settle()
        return keeping


async def settle() -> None:
    """Let everybody react."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_nobody_accepts_calls_before_all_could_and_there_is_one_ready() -> None:
    stage = Stage()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in stage.supervisor.numbers:
            group.create_task(stage.supervisor.keep(number))
        ready = group.create_task(stage.supervisor.wait_ready())
        await settle()
        one, two = stage.started
        one.say(Prepared(IDS[1]), Alive())
        await settle()
        assert [type(order) for order in one.orders] == [Begin]
        two.say(Prepared(IDS[2]))
        await settle()
        assert one.living == two.living == [Living(numbers=(1, 2))]
        one.say(Ready(FACTS))
        await settle()
        assert not ready.done()
        two.say(Ready(FACTS))
        assert (await ready).processes == 2
        stage.supervisor.drain()
    assert isinstance(one.orders[-1], Drain)


async def test_one_that_cannot_start_ends_the_whole_with_its_reason() -> None:
    stage = Stage()
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in stage.supervisor.numbers:
                group.create_task(stage.supervisor.keep(number))
            await settle()
            stage.started[1].say(Ended(InvalidField("no such file", field="tls_certificate")))
            stage.started[1].die()
            await asyncio.Event().wait()
    assert caught.group_contains(InvalidField, match="no such file")
    await stage.supervisor.end()
    assert isinstance(stage.started[0].orders[-1], Stop)


async def test_one_that_dies_is_struck_off_and_started_again_and_its_chores_come_back() -> None:
    stage = Stage()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        await stage.ready(group)
        one, two = stage.started
        two.die()
        await settle()
        again = stage.started[2]
        assert one.living[1:] == [Living(numbers=(1,), dead=(IDS[2],))]
        again.say(Prepared(IDS[3]))
        await settle()
        assert one.living[-1] == again.living[-1] == Living(numbers=(1, 2))
        stage.supervisor.drain()
    assert again.number == 2


async def test_one_that_dies_again_and_again_ends_the_whole() -> None:
    stage = Stage()
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            await stage.ready(group)
            for _ in range(DEATHS_MAX + 1):
                stage.started[-1].die()
                await settle()
            await asyncio.Event().wait()
    assert caught.group_contains(ProcessLost, match=r"process 2 .* died 11 times in 10 minutes; .* signal 9")
    assert len(stage.started) == 2 + DEATHS_MAX


async def test_the_chores_of_one_that_is_silent_go_to_the_others_until_it_is_heard() -> None:
    stage = Stage()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        await stage.ready(group)
        one, two = stage.started
        stage.clock.advance(int(SILENT_SECONDS * 1000))
        one.say(Alive())
        await settle()
        stage.supervisor._share_chores()
        assert one.living[-1] == two.living[-1] == Living(numbers=(1,))
        two.say(Alive())
        await settle()
        stage.supervisor._share_chores()
        stage.supervisor._share_chores()
        assert [told.numbers for told in one.living] == [(1, 2), (1,), (1, 2)]
        stage.supervisor.drain()


async def test_while_all_drain_nobody_is_started_again() -> None:
    stage = Stage()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        keeping = await stage.ready(group)
        stage.supervisor.drain()
        await asyncio.wait(keeping)
    assert len(stage.started) == 2


async def test_what_is_said_arrives_whole_and_a_cut_word_is_none() -> None:
    reader = asyncio.StreamReader()
    error = InvalidField("wrong", field="listen", hint="another")
    for message in (Ready(FACTS), Ended(error)):
        reader.feed_data(pack(message))
    reader.feed_data(pack(Alive())[:-1])
    reader.feed_eof()
    first, second, third = [await read_report(reader) for _ in range(3)]
    assert first == Ready(FACTS)
    assert isinstance(second, Ended)
    assert str(second.error) == str(error)
    assert third is None
