"""Whatever keeps running: it works when due and when woken, waits out what passes, and stops at what does not."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from proofgrid.primitives.errors import Unavailable
from proofgrid.roles.loop import Loop, every
from proofgrid.telemetry.metrics.of_gateway import LOOPS_FAILED


async def run_until(loop: Loop, reached: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(loop.run())
        async with asyncio.timeout(60):
            await reached.wait()
        running.cancel()


async def test_a_step_says_when_the_next_one_is_due() -> None:
    steps, often = [], asyncio.Event()

    async def step() -> float:
        steps.append(1)
        if len(steps) == 3:
            often.set()
        return 0.001

    await run_until(Loop("often", step), often)


async def test_whoever_wakes_it_during_a_step_gets_another_one() -> None:
    steps, twice = [], asyncio.Event()

    async def step() -> None:
        steps.append(1)
        (loop.wake if len(steps) == 1 else twice.set)()

    loop = Loop("woken", step)
    await run_until(loop, twice)


async def test_it_waits_before_the_first_step_until_it_is_woken() -> None:
    steps: list[int] = []

    async def step() -> None:
        steps.append(1)

    loop = Loop("later", step, first=None)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(loop.run())
        await asyncio.sleep(0.02)
        assert not steps
        loop.wake()
        await asyncio.sleep(0.02)
        assert steps == [1]
        running.cancel()


async def test_trouble_that_passes_is_one_line_in_the_log_and_another_try() -> None:
    tries, blind, again = [], [], asyncio.Event()

    async def step() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("no answer")
        again.set()

    async def go_blind() -> float:
        blind.append(1)
        return 0.0

    before = LOOPS_FAILED.of("stormy")
    with capture_logs() as logs:
        loop = Loop("stormy", step, on_trouble=go_blind, trouble="round_failed", stack="default/toy")
        await run_until(loop, again)
    assert blind == [1]
    assert logs == [
        {
            "event": "round_failed",
            "log_level": "warning",
            "stack": "default/toy",
            "reason": str(Unavailable("no answer")),
        }
    ]
    assert LOOPS_FAILED.of("stormy") == before + 1


async def test_what_does_not_pass_ends_it() -> None:
    async def step() -> None:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError):
        await Loop("broken", every(0.0, step)).run()
