"""How often a stack holds its rounds: when something changed, when a job is due, and again while orders are unsold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import Stack
from proofgrid.roles.loop import Loop

#: Seconds of pause that a second of rounds owes at most. Payments and bundles of what a round sold follow it, and cost
#: as much as the round whatever their number: what is gathered before it is gathered for them as well.
PAUSE_ROUNDS_MAX = 3
ORDERS_TO_PAUSE_FOR = 4  #: with so many orders more than one, a round owes as long a pause as itself
UNSOLD_RETRY_FIRST_SECONDS = 0.25
UNSOLD_RETRY_MAX_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundsTally:
    """What the rounds of a stack came to."""

    sold: int  #: jobs
    unsold: int  #: jobs left although somebody was there to prove them
    next_job_ms: int | None  #: until the next job that waits for its time may be sold
    orders: int | None = None  #: tasks that were looked at; None: nobody knows


class Pacing:
    """Holds the rounds of one stack. `hold` answers None, and `until_next_job` is asked, when nothing can match."""

    def __init__(
        self,
        stack: Stack,
        *,
        hold: Callable[[Stack], Awaitable[RoundsTally | None]],
        until_next_job: Callable[[Stack], Awaitable[float | None]],
        clock: Clock,
        interval_ms: int,
    ) -> None:
        self._stack = stack
        self._hold = hold
        self._until_next_job = until_next_job
        self._clock = clock
        self._budget = RoundsBudget(interval_seconds=interval_ms / 1000)
        self._retry_seconds = UNSOLD_RETRY_FIRST_SECONDS
        self._started = 0.0
        self._loop = Loop(
            "rounds", self._round, first=None, on_trouble=self._failed, trouble="round_failed", stack=stack
        )

    def wake(self) -> None:
        """Something changed in one of its lanes."""
        self._loop.wake()

    def overdue_seconds(self) -> float:
        """Return for how long a change has been waiting for its round."""
        return self._loop.overdue_seconds()

    async def run(self) -> None:
        """Hold rounds until cancelled."""
        await self._loop.run()

    async def _round(self) -> float | None:
        self._started = self._clock.running_seconds()
        tally = await self._hold(self._stack)
        return await self._until_next_job(self._stack) if tally is None else await self._pause(tally)

    async def _failed(self) -> float | None:
        return await self._pause(RoundsTally(sold=0, unsold=1, next_job_ms=None))

    async def _pause(self, tally: RoundsTally) -> float | None:
        """Return when to look again; before, pause if rounds have taken more than their share of the time."""
        # With unsold orders on both sides the reference price moves, so the next round may trade.
        self._retry_seconds = (
            UNSOLD_RETRY_FIRST_SECONDS if tally.sold else min(2 * self._retry_seconds, UNSOLD_RETRY_MAX_SECONDS)
        )
        waits = [self._retry_seconds] if tally.unsold else []
        waits += [tally.next_job_ms / 1000] if tally.next_job_ms is not None else []
        pause_seconds = self._budget.pause_seconds(self._started, self._clock.running_seconds(), orders=tally.orders)
        if pause_seconds > 0:
            await asyncio.sleep(pause_seconds)
        return min(waits, default=None)


class RoundsBudget:
    """Rounds may take a fixed share of the time: a calm lane sells at once, a busy one gathers orders meanwhile.

    A pause gathers orders, so that the next round does for many what each would else have a round for. A round of one
    order shows that there is nothing to gather, and owes nothing; the more orders one had, the longer the pause that it
    owes, up to three times its own length. So what a lane gathers grows with what comes, and while little comes it
    sells at once. Whatever time passes without a round pays for it. A lane that owes less than the interval pauses for
    nothing. Of a round no more than the interval is owed.
    """

    def __init__(self, *, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._owed_seconds = 0.0
        self._ended = 0.0

    def pause_seconds(self, started: float, ended: float, *, orders: int | None = None) -> float:
        """Return how long to pause after a round; `started`, `ended`: when it was, in seconds of one clock.

        `orders`: how many it had; None: nobody knows, and it owes as much as itself.
        """
        paid = max(0.0, started - self._ended)
        rounds = 1.0 if orders is None else min(max(0, orders - 1) / ORDERS_TO_PAUSE_FOR, PAUSE_ROUNDS_MAX)
        taken = min(rounds * (ended - started), self._interval_seconds)
        self._owed_seconds = max(0.0, self._owed_seconds - paid) + taken
        self._ended = ended
        return min(max(0.0, self._owed_seconds - self._interval_seconds), taken)
