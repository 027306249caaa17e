"""Collects calls that come at about the same time and carries them out together.

    add, add, add --> [waiting] --all at once--> carry_out(items) --> one outcome each
                          ^-- what comes meanwhile waits for the next batch

Nobody waits for a batch to fill: the first call starts one at once, and batches grow only while earlier ones are busy.
It begins at the next turn of the event loop, so that what is added in the same turn goes along.

Nothing of one is another's fate: a batch that fails whole is taken apart (`each_in_the_end`), and what fails then fails
alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

import structlog

from proofgrid.primitives.errors import Recoverable
from proofgrid.telemetry.metrics.of_gateway import BATCH_SIZE

WEATHER_TRIES = 2  #: so many items alone, one after the other: then it is the weather, and everybody's

log = structlog.get_logger(__name__)

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

CarryOut = Callable[[list[Item]], Awaitable[Sequence[Outcome | BaseException]]]


class Batches(Generic[Item, Outcome]):
    """Run it in a TaskGroup: `group.create_task(batches.run())`.

    `carry_out` may raise, of items of which it carried out some: it is asked again for fewer of them, so what it does
    must be idempotent. `size_max`: how many go together at most; where that depends on how it went before, who says so.
    `of`: what its sizes are counted as.
    """

    def __init__(
        self,
        carry_out: CarryOut[Item, Outcome],
        *,
        size_max: int | Callable[[], int],
        at_once: int = 1,
        of: str = "other",
    ) -> None:
        self._carry_out = carry_out
        self._size_max = size_max if callable(size_max) else lambda: size_max
        self._at_once = at_once
        self._of = of
        self._group: asyncio.TaskGroup | None = None
        self._working = 0
        self._is_beginning = False  #: somebody was called to work and has not begun
        self._waiting: list[_Entry[Item, Outcome]] = []

    @property
    def is_idle(self) -> bool:
        """Is nothing waiting, and nothing under way?"""
        return not self._waiting and not self._working

    async def add(self, item: Item) -> Outcome:
        """Return the outcome of one item, or raise it."""
        call = self._call([item])
        await call.done
        (outcome,) = call.outcomes
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def add_all(self, items: Sequence[Item]) -> list[Outcome | BaseException]:
        """Return the outcome of each item, errors as values. Who is cancelled meanwhile leaves them to be done."""
        if not items:
            return []
        call = self._call(items)
        await asyncio.wait({call.done})
        return [asyncio.CancelledError() for _ in items] if call.done.cancelled() else call.outcomes

    def _call(self, items: Sequence[Item]) -> _Call[Outcome]:
        # One future for all items of a call: what waits in a batch by the hundred is not worth a future each.
        call = _Call[Outcome](len(items))
        self._waiting.extend((item, call, place) for place, item in enumerate(items))
        self._begin()
        return call

    async def run(self) -> None:
        """Carry out what is added until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._begin()
                await asyncio.Event().wait()
        finally:
            self._group = None
            _cancel(self._waiting)

    def _begin(self) -> None:
        if self._group is None or not self._waiting or self._is_beginning or self._working >= self._at_once:
            return
        self._is_beginning = True
        self._working += 1
        self._group.create_task(self._work())

    async def _work(self) -> None:
        self._is_beginning = False
        try:
            while self._waiting:
                size = self._size_max()
                batch, self._waiting = self._waiting[:size], self._waiting[size:]
                self._begin()  # what is left goes beside it, where more may
                await self._run_batch(batch)
        finally:
            self._working -= 1

    async def _run_batch(self, batch: list[_Entry[Item, Outcome]]) -> None:
        # Whoever was cancelled while waiting does not want it any more.
        batch = [entry for entry in batch if not entry[1].done.done()]
        outcomes: Sequence[Outcome | BaseException] = []
        try:
            if batch:
                BATCH_SIZE.observe(len(batch), self._of)
                outcomes = await each_in_the_end(self._carry_out, [item for item, _, _ in batch])
        except BaseException:
            _cancel(batch)
            raise
        for (_, call, place), outcome in zip(batch, outcomes, strict=True):
            call.settle(place, outcome)


async def each_in_the_end(
    carry_out: CarryOut[Item, Outcome], items: Sequence[Item]
) -> Sequence[Outcome | BaseException]:
    """Return an outcome for each item; what `carry_out` raises of several is found out by asking for fewer of them.

    By halves, so that one bad item among n costs about 2 log n calls. Weather (Recoverable) is tried on single items:
    two of them in a row that meet it as well show that it is not an item's doing, and all that are left hear of it.
    """
    outcomes: list[Outcome | BaseException] = []
    waiting = [list(items)]
    weather = 0
    while waiting:
        part = waiting.pop()
        try:
            outcomes += await carry_out(part)
            weather = 0
        except Exception as error:
            if len(part) == 1:
                outcomes.append(error)
                weather = weather + 1 if isinstance(error, Recoverable) else 0
                if weather == WEATHER_TRIES:
                    return outcomes + [error] * sum(map(len, waiting))
                continue
            log.warning("batch_taken_apart", items=len(part), reason=type(error).__name__)
            waiting += reversed(_parts(part, is_weather=isinstance(error, Recoverable), is_first=not outcomes))
    return outcomes


def _parts(items: list[Item], *, is_weather: bool, is_first: bool) -> list[list[Item]]:
    if is_weather:
        # It may be over by now: after one that went well all the others go together, once.
        return [items[:1], items[1:]] if is_first else [[item] for item in items]
    half = len(items) // 2
    return [items[:half], items[half:]]


_NOT_YET = LookupError("no outcome yet")


class _Call(Generic[Outcome]):
    """What one caller waits for: outcomes in the order of its items."""

    __slots__ = ("_left", "done", "outcomes")

    def __init__(self, number: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.outcomes: list[Outcome | BaseException] = [_NOT_YET] * number
        self._left = number

    def settle(self, place: int, outcome: Outcome | BaseException) -> None:
        self.outcomes[place] = outcome
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)


_Entry = tuple[Item, _Call[Outcome], int]  #: and its place among the items of its call


def _cancel(entries: Iterable[_Entry[Item, Outcome]]) -> None:
    for _, call, _ in entries:
        call.done.cancel()
