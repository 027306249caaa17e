"""What a prover does whose name another session has: it asks again until that one was silent for long enough.

refused: "last heard 0.4 s ago" --> asks again, once a second --> welcomed: the other one is gone
  `--it is heard again and again, for longer than a dead one could be: it lives
        |-- this prover was never connected: it gives up and says so, its machine needs another name
        `-- it was: another machine took its name while it was away; it goes on asking, calmly
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.errors import NameTaken

ASK_EVERY_SECONDS = 1.0
ASK_CALMLY_SECONDS = 5.0
MARGIN_SECONDS = 3.0  #: for calls that take their time


@dataclass(frozen=True, slots=True)
class WaitsForName:
    """A prover waits for another session of its name to fall silent."""

    error: NameTaken
    seconds_left: float  #: until the name is free, if the other one is dead


class NameWait:
    """Decides after each refusal."""

    def __init__(self) -> None:
        self._was_welcomed = False
        self._gives_up_at: float | None = None

    def welcomed(self) -> None:
        """The name is this prover's."""
        self._was_welcomed = True
        self._gives_up_at = None

    def refused(self, error: NameTaken, *, now_seconds: float) -> float | None:
        """Return after how many seconds to ask again; None: never. `now_seconds`: of a clock that nobody sets."""
        left_seconds = error.wait_ms / 1000
        if self._gives_up_at is None:
            self._gives_up_at = now_seconds + left_seconds + MARGIN_SECONDS
        if now_seconds < self._gives_up_at:
            return min(left_seconds, ASK_EVERY_SECONDS)
        return ASK_CALMLY_SECONDS if self._was_welcomed else None
