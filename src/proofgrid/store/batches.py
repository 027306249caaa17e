"""Collects calls that come at about the same time and carries them out together.

    add, add, add --> [waiting] --all at once--> carry_out(items) --> one outcome each
                          ^-- what comes meanwhile waits for the next batch

Nobody waits for a batch to fill: the first call starts one at once, and batches grow only while earlier ones are busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

CarryOut = Callable[[list[Item]], Awaitable[Sequence[Outcome | BaseException]]]


class Batches(Generic[Item, Outcome]):
    """Run it in a TaskGroup: `group.create_task(batches.run())`. An error of `carry_out` itself is everybody's.

    `size_max`: how many go together at most; where that depends on how it went before, who says so.
    """

    def __init__(
        self, carry_out: CarryOut[Item, Outcome], *, size_max: int | Callable[[], int], at_once: int = 1
    ) -> None:
        self._carry_out = carry_out
        self._size_max = size_max if callable(size_max) else lambda: size_max
        self._turn = asyncio.Semaphore(at_once)
        self._under_way = 0
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._added = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Is nothing waiting, and nothing under way?"""
        return not self._waiting and not self._under_way

    async def add(self, item: Item) -> Outcome:
        """Return the outcome of one item, or raise it."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._added.set()
        return await future

    async def add_all(self, items: Sequence[Item]) -> list[Outcome | BaseException]:
        """Return the outcome of each item, errors as values."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in items]
        self._waiting.extend(zip(items, futures, strict=True))
        self._added.set()
        if futures:
            await asyncio.wait(futures)
        return list(map(_outcome_of, futures))

    async def run(self) -> None:
        """Carry out what is added until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._added.wait()
                    await self._turn.acquire()
                    size = self._size_max()
                    batch, self._waiting = self._waiting[:size], self._waiting[size:]
                    self._under_way += 1
                    if not self._waiting:
                        self._added.clear()
                    group.create_task(self._run_batch(batch))
        finally:
            for _, future in self._waiting:
                future.cancel()

    async def _run_batch(self, batch: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        # Whoever was cancelled while waiting does not want it any more.
        batch = [(item, future) for item, future in batch if not future.done()]
        outcomes: Sequence[Outcome | BaseException] = []
        try:
            if batch:
                outcomes = await self._carry_out([item for item, _ in batch])
        except Exception as error:
            outcomes = [error] * len(batch)
        except BaseException:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            self._under_way -= 1
            self._turn.release()
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            _settle(future, outcome)


def _outcome_of(future: asyncio.Future[Outcome]) -> Outcome | BaseException:
    if future.cancelled():
        return asyncio.CancelledError()
    return future.exception() or future.result()


def _settle(future: asyncio.Future[Outcome], outcome: Outcome | BaseException) -> None:
    if future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
