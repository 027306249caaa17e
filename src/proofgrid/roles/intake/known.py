"""Facts that many calls ask for: read once, forgotten as soon as the database tells that they changed.

hear --a fact is read--> held for HOLDS_MS at most --the database tells that it changed--> forgotten
deaf: notifications may be lost, so nothing is held
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from proofgrid.primitives.clock import Clock

HOLDS_MS = 1_000  #: what was taken counts for so long at most, even if the notification is lost
NAMES_MAX = 10_000

Name = TypeVar("Name", bound=Hashable)
Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class _Held(Generic[Fact]):
    fact: Fact
    at_ms: int


class Known(Generic[Name, Fact]):
    """Facts by the names of what they are about. Deaf until `hear` is called. `read_it`: asks the database."""

    def __init__(self, read_it: Callable[[Name], Awaitable[Fact]], *, clock: Clock) -> None:
        self._read_it = read_it
        self._clock = clock
        self._hears = False
        self._changes = 0
        self._held: OrderedDict[Name, _Held[Fact]] = OrderedDict()

    def hear(self) -> None:
        """From now on the database tells of every change."""
        self.forget_all()
        self._hears = True

    def deafen(self) -> None:
        """Notifications may be lost: hold nothing until they are heard again."""
        self.forget_all()
        self._hears = False

    def forget(self, name: Name) -> None:
        """What is known of one has changed."""
        self._changes += 1  # of any: what is being read now may be older than this
        self._held.pop(name, None)

    def forget_all(self) -> None:
        """Anything may have changed."""
        self._changes += 1
        self._held.clear()

    def last(self, name: Name) -> Fact | None:
        """Return what was known a while ago, if anything. Asks nobody."""
        held = self._held.get(name)
        return None if held is None else held.fact

    async def of(self, name: Name) -> Fact:
        """Return what is so, or was a second ago at most."""
        held = self._held.get(name)
        if held is not None and 0 <= self._clock.now_ms() - held.at_ms < HOLDS_MS:
            return held.fact
        return await self.read(name)

    async def read(self, name: Name) -> Fact:
        """Return what is so now."""
        changes, at_ms = self._changes, self._clock.now_ms()
        fact = await self._read_it(name)
        if self._hears and changes == self._changes:
            self._held[name] = _Held(fact, at_ms)
            self._held.move_to_end(name)
            if len(self._held) > NAMES_MAX:
                self._held.popitem(last=False)
        return fact
