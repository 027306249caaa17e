"""Who comes while others are at it waits a moment, and goes on with all who wait: what they do can be done together.

    first comes, goes on at once ... others come, wait --the first has left, or PATIENCE--> all of them go on

Nobody waits for others to come.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Convoy:
    """`async with convoy.place(): ...`; `patience_seconds`: how long those inside keep others waiting at most."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._inside = 0  #: of the group that went on last
        self._group = 0
        self._waiting: list[asyncio.Future[int]] = []
        self._opens: asyncio.TimerHandle | None = None

    def place(self) -> _Place:
        """Return a context to be entered once."""
        return _Place(self)

    async def enter(self) -> int:
        """Return the group that goes on now, as soon as the one before has left."""
        if not self._inside and not self._waiting:
            self._begin(1)
            return self._group
        turn: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(turn.result())
            raise

    def leave(self, group: int) -> None:
        """One of a group is done."""
        if group == self._group:
            self._inside -= 1
            if not self._inside:
                self._open()

    def _open(self) -> None:
        waiting, self._waiting = [turn for turn in self._waiting if not turn.done()], []
        self._begin(len(waiting))
        for turn in waiting:
            turn.set_result(self._group)

    def _begin(self, number: int) -> None:
        if self._opens is not None:
            self._opens.cancel()
            self._opens = None
        self._group += 1
        self._inside = number
        if number:
            self._opens = asyncio.get_running_loop().call_later(self._patience_seconds, self._open)


class _Place:
    __slots__ = ("_convoy", "_group")

    def __init__(self, convoy: Convoy) -> None:
        self._convoy = convoy

    async def __aenter__(self) -> None:
        self._group = await self._convoy.enter()

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._convoy.leave(self._group)
