"""How long to wait before trying again: at once at another gateway, then longer and longer, out of step with others.

Where the error says after how long trying again can help, that is obeyed.
"""

from __future__ import annotations

import asyncio
import random

from proofgrid.primitives.errors import ProofgridError

FIRST_SECONDS = 0.2
MAX_SECONDS = 3.0


def stretch(chance: random.Random) -> float:
    """Return by how much a time that was said is stretched, so that not all come back together."""
    return chance.uniform(1.0, 1.5)


class Backoff:
    """The patience of one piece of work. `wait` after every failure; `reset` when something went well."""

    def __init__(self, *, patience_seconds: float, gateways: int = 1) -> None:
        self._patience_seconds = patience_seconds
        self._gateways = gateways
        self._chance = random.Random()  # noqa: S311 - jitter, not secrets
        self._failures = 0
        self._give_up_at: float | None = None

    def reset(self) -> None:
        """Something went well: the next failure is the first again."""
        self._failures = 0
        self._give_up_at = None

    @property
    def left_seconds(self) -> float:
        """How much patience is left."""
        if self._give_up_at is None:
            return self._patience_seconds
        return self._give_up_at - asyncio.get_running_loop().time()

    async def wait(self, error: ProofgridError) -> None:
        """Wait before the next attempt; raise `error` when patience would be over by then."""
        now = asyncio.get_running_loop().time()
        if self._give_up_at is None:
            self._give_up_at = now + self._patience_seconds
        seconds = max(
            self._next_seconds() * self._chance.uniform(0.5, 1.0),
            error.wait_ms / 1_000 * stretch(self._chance),
        )
        if now + seconds > self._give_up_at:
            raise error
        await asyncio.sleep(seconds)

    def _next_seconds(self) -> float:
        self._failures += 1
        # The other gateways deserve a try before anybody waits: one dead gateway must not slow its clients down.
        rounds = self._failures - self._gateways
        return FIRST_SECONDS / 10 if rounds < 0 else float(min(FIRST_SECONDS * 2.0 ** min(rounds, 10), MAX_SECONDS))
