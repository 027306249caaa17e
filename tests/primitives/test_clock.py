"""Time that tests move: whoever sleeps by it needs no real time."""

from __future__ import annotations

from proofgrid.primitives.clock import ManualClock, SystemClock, past


async def test_whoever_sleeps_by_a_manual_clock_moves_it_and_waits_for_nothing() -> None:
    clock = ManualClock(1_000)
    await clock.sleep(3_600)
    assert (clock.now_ms(), clock.running_seconds()) == (3_601_000, 3_601.0)


async def test_a_moment_is_past_when_its_millisecond_is_over() -> None:
    clock = ManualClock(1_000)
    await past(clock, 1_005)
    assert clock.now_ms() == 1_006
    await past(clock, 1_000)
    assert clock.now_ms() == 1_006


async def test_the_machine_s_clock_lets_time_pass() -> None:
    clock = SystemClock()
    before, began_ms = clock.running_seconds(), clock.now_ms()
    await past(clock, began_ms)
    assert clock.now_ms() > began_ms
    assert clock.running_seconds() >= before
