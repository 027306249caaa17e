"""How often something died lately: what is started again and again at some point is better given up, loudly."""

from __future__ import annotations

from collections import deque

from proofgrid.primitives.errors import Unavailable

DEATHS_MAX = 10
DEATHS_WINDOW_SECONDS = 600.0


class ProcessLost(Unavailable):
    """A process of the gateway dies as often as it is started again."""

    code = "PG-303"


class SignerLost(Unavailable):
    """The process that holds the keys died."""

    code = "PG-525"


class Deaths:
    """Of one process."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=DEATHS_MAX)

    def one_more(self, at_seconds: float) -> str:
        """Note a death; when it is one too many return how often it died, in words, else an empty text."""
        if len(self._at) == DEATHS_MAX and at_seconds - self._at[0] < DEATHS_WINDOW_SECONDS:
            return f"{DEATHS_MAX + 1} times in {DEATHS_WINDOW_SECONDS / 60:.0f} minutes"
        self._at.append(at_seconds)
        return ""
