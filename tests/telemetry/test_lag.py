"""A loop that is held up is late from the first moment on, is remembered as late for a while, and then is not."""

from __future__ import annotations

import asyncio

from proofgrid.telemetry.lag import REMEMBERED_SECONDS, TICK_SECONDS, LoopLag


class ClockOfTest:
    """Time that passes when told to; whoever sleeps is woken then, later than asked if told so."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.woken = asyncio.Event()

    def now_ms(self) -> int:
        return int(self.seconds * 1_000)

    def running_seconds(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        await self.woken.wait()
        self.woken.clear()

    async def wake(self, after_seconds: float) -> None:
        self.seconds += after_seconds
        self.woken.set()
        for _ in range(3):
            await asyncio.sleep(0)


async def test_a_late_loop_is_seen_before_its_tick_comes_and_remembered_after_it() -> None:
    clock = ClockOfTest()
    lag = LoopLag(clock)
    async with asyncio.TaskGroup() as group:
        assert lag.seconds() == 0.0
        ticking = group.create_task(lag.run())
        await asyncio.sleep(0)
        await clock.wake(TICK_SECONDS)
        on_time = lag.seconds()
        clock.seconds += 10  # everybody is held up; whoever asks may be woken before the tick
        while_late = lag.seconds()
        await clock.wake(0.0)
        await clock.wake(TICK_SECONDS)
        just_after = lag.seconds()
        for _ in range(int(REMEMBERED_SECONDS / TICK_SECONDS) + 2):
            await clock.wake(TICK_SECONDS)
        later = lag.seconds()
        ticking.cancel()

    assert on_time < 0.001
    assert 9.9 < while_late < 10
    assert 9.9 < just_after < 10
    assert later < 0.001
