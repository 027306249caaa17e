"""How much goes into one call of a worker: what is more urgent waits while it lasts."""

from __future__ import annotations

CALL_SECONDS = 0.05  #: about as long as a call of several pieces holds its worker
PIECES_MAX = 64


def pieces_per_call(seconds_each: float) -> int:
    """Return how many pieces of work, at this pace, go into a call; at least one."""
    return max(1, int(CALL_SECONDS / max(seconds_each, CALL_SECONDS / PIECES_MAX)))
