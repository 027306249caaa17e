"""Chores: what one gateway does for all that stand behind the same address, such as the watch or the rounds of a stack.

A gateway that stands alone does all of them. Of several processes (`proofgrid gateway --processes`) each does its part,
and the part of one that dies is done by the others. Nothing rests on two never doing the same: rows and locks keep
those apart who believe it at the same time, as they keep gateways of different machines apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine

import structlog

from proofgrid.rules.scheduling.chores import doer_of

Work = Callable[[], Coroutine[object, object, None]]

log = structlog.get_logger(__name__)


class Chores:
    """What this process, one of several by its number, does now. Knows nobody who lives until it is told."""

    def __init__(self, number: int, living: Collection[int] = ()) -> None:
        self.number = number
        self._living = frozenset(living)
        self._changed = asyncio.Event()
        self._told = asyncio.Event()
        if living:
            self._told.set()
        self._on_change: list[Callable[[], None]] = []

    @classmethod
    def of_one(cls) -> Chores:
        """All of them, for a gateway that stands alone."""
        return cls(1, (1,))

    def are_mine(self, chore: str) -> bool:
        """Is it for this process to do? `chore`: any text, the same in all of them."""
        return doer_of(chore, self._living) == self.number

    def tell(self, living: Collection[int]) -> None:
        """From now on these live."""
        self._told.set()
        if self._living == frozenset(living):
            return
        self._living = frozenset(living)
        log.info("chores_shared", living=sorted(living))
        self._changed.set()
        self._changed = asyncio.Event()
        for changed in self._on_change:
            changed()

    async def wait_told(self) -> None:
        """Return once it is known who lives."""
        await self._told.wait()

    def on_change(self, changed: Callable[[], None]) -> None:
        """Let somebody know when chores may have moved."""
        self._on_change.append(changed)

    async def do(self, chore: str, work: Work) -> None:
        """Do a piece of work that never ends by itself while it is for this process to do; until cancelled."""
        while True:
            await self._until(chore, mine=True)
            async with asyncio.TaskGroup() as group:
                doing = group.create_task(work())
                await self._until(chore, mine=False)
                doing.cancel()

    async def _until(self, chore: str, *, mine: bool) -> None:
        while self.are_mine(chore) is not mine:
            await self._changed.wait()
