"""Calls that come at the same time are carried out together; each caller gets its own outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from proofgrid.store.batches import Batches


class Work:
    """Doubles numbers once it is let; odd ones fail, 13 brings everybody down."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.has_begun, self.may_go = asyncio.Event(), asyncio.Event()

    async def __call__(self, items: list[int]) -> Sequence[int | BaseException]:
        self.batches.append(items)
        self.has_begun.set()
        await self.may_go.wait()
        if 13 in items:
            raise LookupError("13")
        return [ValueError(str(item)) if item % 2 else 2 * item for item in items]


@asynccontextmanager
async def running(batches: Batches[int, int]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(batches.run())
    yield task
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def started(work: Work) -> None:
    await work.has_begun.wait()


async def test_a_call_whose_items_fall_into_several_batches_gets_all_outcomes_in_its_order() -> None:
    work = Work()
    work.may_go.set()
    batches = Batches(work, size_max=2)
    async with running(batches):
        outcomes = await batches.add_all([2, 3, 4, 5, 6])
    assert work.batches == [[2, 3], [4, 5], [6]]
    assert [one if isinstance(one, int) else str(one) for one in outcomes] == [4, "3", 8, "5", 12]


async def test_what_comes_while_a_batch_is_busy_is_carried_out_together() -> None:
    work = Work()
    batches = Batches(work, size_max=10)
    async with running(batches):
        first = asyncio.ensure_future(batches.add(2))
        await started(work)
        one, two = asyncio.ensure_future(batches.add(4)), asyncio.ensure_future(batches.add_all([6, 8]))
        await asyncio.sleep(0)
        work.may_go.set()
        assert await first == 4
        assert await one == 8
        assert await two == [12, 16]
    assert work.batches == [[2], [4, 6, 8]]


async def test_a_batch_begins_at_the_next_turn_of_the_loop_with_all_that_was_added_in_this_one() -> None:
    work = Work()
    batches = Batches(work, size_max=10)
    async with running(batches):
        await asyncio.sleep(0)
        calls = [asyncio.ensure_future(batches.add(item)) for item in (2, 4)]
        await asyncio.sleep(0)  # both are added
        assert work.batches == []
        await asyncio.sleep(0)
        assert work.batches == [[2, 4]]
        work.may_go.set()
        assert await asyncio.gather(*calls) == [4, 8]
        assert batches.is_idle


async def test_where_several_may_run_at_once_what_is_left_goes_beside_the_first() -> None:
    work = Work()
    batches = Batches(work, size_max=1, at_once=2)
    async with running(batches):
        calls = asyncio.ensure_future(batches.add_all([2, 4, 6]))
        for _ in range(10):
            await asyncio.sleep(0)
        assert work.batches == [[2], [4]]
        work.may_go.set()
        assert await calls == [4, 8, 12]


async def test_an_error_of_one_item_is_its_caller_s_even_where_it_is_one_of_the_batch() -> None:
    work = Work()
    work.may_go.set()
    batches = Batches(work, size_max=10)
    async with running(batches):
        with pytest.raises(ValueError, match="3"):
            await batches.add(3)
        one, both = await asyncio.gather(batches.add(13), batches.add_all([2, 4]), return_exceptions=True)
        assert isinstance(one, LookupError)
        assert isinstance(both, list)
        assert both == [4, 8]
        assert await batches.add_all([]) == []


async def test_a_single_call_that_is_cancelled_while_it_waits_is_not_carried_out() -> None:
    work = Work()
    batches = Batches(work, size_max=10)
    async with running(batches):
        first = asyncio.ensure_future(batches.add(2))
        await started(work)
        unwanted, wanted = asyncio.ensure_future(batches.add(4)), asyncio.ensure_future(batches.add(6))
        await asyncio.sleep(0)
        unwanted.cancel()
        work.may_go.set()
        assert (await first, await wanted) == (4, 12)
    assert work.batches == [[2], [6]]


async def test_results_whose_stream_ended_while_they_waited_are_carried_out_all_the_same() -> None:
    work = Work()
    batches = Batches(work, size_max=10)
    async with running(batches):
        first = asyncio.ensure_future(batches.add(2))
        await started(work)
        left = asyncio.ensure_future(batches.add_all([4, 6]))
        await asyncio.sleep(0)
        left.cancel()
        work.may_go.set()
        assert await first == 4
        assert await batches.add(8) == 16
    assert work.batches == [[2], [4, 6], [8]]


async def test_who_waits_when_it_ends_is_told() -> None:
    work = Work()
    batches = Batches(work, size_max=1)
    async with running(batches):
        busy, waiting = asyncio.ensure_future(batches.add(2)), asyncio.ensure_future(batches.add_all([4, 6]))
        await started(work)
    assert [type(outcome) for outcome in await waiting] == [asyncio.CancelledError] * 2
    with pytest.raises(asyncio.CancelledError):
        await busy
