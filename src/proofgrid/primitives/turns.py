"""Who is next where many want few places: the more urgent first, each urgency within its share, its clients in turn.

take --a place of its share is free--> holds it ----------give_back--> free
  `--none--> wait --next: the most urgent whose share has room--> holds it
               `--withdraw--> gone
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from operator import lt
from typing import Generic, TypeVar

from proofgrid.primitives.fair_line import FairLine

Item = TypeVar("Item")

LONGEST_EVERY = 8  #: of so many turns of those who wait, one goes to who waits longest: nobody waits for ever


class Urgency(IntEnum):
    """What work waits for less urgent work's place, the most urgent first: the one order of workers and connections."""

    MONEY = 0  #: verifying, paying, and whatever else moves money
    ROUNDS = 1  #: rounds, leases, and the sessions that they are sold to
    ADMISSION = 2  #: tasks on their way in
    SEALING = 3  #: bundles of proven tasks
    READING = 4  #: what clients and administrators look at, and what they ask a price for
    BUILDING = 5  #: programs
    BACKGROUND = 6  #: what nobody waits for: tidying, checking, copies


Shares = Mapping[Urgency, int]
"""How many places an urgency may hold together with all that is less urgent; what is not named has all of them."""


class Waiting(Generic[Item]):
    """One that waits, or waited."""

    __slots__ = ("client", "item", "since_seconds", "urgency")

    def __init__(self, item: Item, urgency: Urgency, client: str, since_seconds: float) -> None:
        self.item = item
        self.urgency = urgency
        self.client = client
        self.since_seconds = since_seconds


class Turns(Generic[Item]):
    """Hands out `places`. Each urgency is held to its share, so the more urgent find a place however much others want.

    Of the same urgency, clients take turns, and calls of one client come in their order.
    """

    def __init__(self, places: int, shares: Shares) -> None:
        most = tuple(min(places, max(1, shares.get(urgency, places))) for urgency in Urgency)
        self._most = tuple(most[: urgency + 1] for urgency in Urgency)  #: of each and all that are more urgent
        self._held = [0] * len(Urgency)  #: by each urgency and all that is less urgent
        self._lines: tuple[FairLine[Waiting[Item]], ...] = tuple(FairLine() for _ in Urgency)
        self._served = 0

    def take(self, urgency: Urgency) -> bool:
        """Take a place if one is free for this urgency and nobody like it waits; say whether it was."""
        if self._lines[urgency] or not self._has_room(urgency):
            return False
        self._hold(urgency, 1)
        return True

    def give_back(self, urgency: Urgency) -> None:
        """A place is free again. `next` tells whose it is."""
        self._hold(urgency, -1)

    def wait(self, item: Item, urgency: Urgency, client: str, now_seconds: float) -> Waiting[Item]:
        """Stand in line."""
        waiting = Waiting(item, urgency, client, now_seconds)
        self._lines[urgency].join(client, waiting)
        return waiting

    def wait_again(self, waiting: Waiting[Item]) -> None:
        """Give back the place that `next` gave, and stand in line before all others of the client."""
        self.give_back(waiting.urgency)
        self._lines[waiting.urgency].join(waiting.client, waiting, first=True)

    def withdraw(self, waiting: Waiting[Item]) -> bool:
        """Leave the line; say whether it was still there."""
        return self._lines[waiting.urgency].leave(waiting.client, waiting)

    def next(self) -> Waiting[Item] | None:
        """Take a place for whoever is next and return them, or None while nobody waits whose share has room."""
        ready = [line for urgency, line in zip(Urgency, self._lines, strict=True) if line and self._has_room(urgency)]
        if not ready:
            return None
        self._served += 1
        if self._served % LONGEST_EVERY:
            waiting = ready[0].next()
        else:
            waiting = min((line.oldest() for line in ready), key=lambda each: each.since_seconds)
            self.withdraw(waiting)
        self._hold(waiting.urgency, 1)
        return waiting

    def could_use_a_place(self) -> bool:
        """Does anybody wait whose share has room?"""
        return any(line and self._has_room(urgency) for urgency, line in zip(Urgency, self._lines, strict=True))

    def everybody(self) -> list[Waiting[Item]]:
        """Return all that wait."""
        return [waiting for line in self._lines for waiting in line.everybody()]

    def waiting_seconds(self, now_seconds: float) -> dict[Urgency, float]:
        """Return how long the oldest that waits has waited, of each urgency of which anybody does."""
        return {
            urgency: now_seconds - line.oldest().since_seconds
            for urgency, line in zip(Urgency, self._lines, strict=True)
            if line
        }

    def _has_room(self, urgency: Urgency) -> bool:
        return all(map(lt, self._held, self._most[urgency]))

    def _hold(self, urgency: Urgency, change: int) -> None:
        held = self._held
        for each in range(urgency + 1):
            held[each] += change
