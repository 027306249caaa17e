"""How slowly what strangers send may come: whoever keeps a call open with drops is ended."""

from __future__ import annotations

import asyncio

from proofgrid.primitives.errors import MalformedMessage

IDLE_SECONDS = 30.0  #: after so long bytes have to come at
BYTES_PER_SECOND_LEAST = 1 << 10


class Pace:
    """Until when the next bytes have to come."""

    def __init__(self) -> None:
        self._begun = asyncio.get_running_loop().time()
        self._bytes = 0

    @property
    def until(self) -> float:
        """By the event loop's clock."""
        return self._begun + IDLE_SECONDS + self._bytes / BYTES_PER_SECOND_LEAST

    def note(self, number: int) -> None:
        """So many bytes came."""
        self._bytes += number

    def too_slow(self, field: str) -> MalformedMessage:
        """Return how that is told."""
        return MalformedMessage(
            f"less than {BYTES_PER_SECOND_LEAST} bytes per second after {IDLE_SECONDS:g} s", field=field
        )
