"""What this gateway could not fetch or keep of late, as it told those who asked: it cannot blame them for that.

One note of what was lost for each artifact, one of when the store or the database was away; by the process's own clock.
"""

from __future__ import annotations

import math

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import ArtifactCorrupt, ArtifactMissing, Recoverable

KEPT_MAX = 4_096  #: artifacts of which is known that they were lost; the oldest note goes first


class Troubles:
    """Notes of one gateway."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._away = -math.inf
        self._lost: dict[Digest, float] = {}

    def note(self, error: Recoverable, digest: Digest | None = None) -> None:
        """Somebody was told this error; `digest`: of which artifact, where it was read."""
        now = self._clock.running_seconds()
        if digest is None or not isinstance(error, ArtifactMissing | ArtifactCorrupt):
            self._away = now
            return
        self._lost.pop(digest, None)
        self._lost[digest] = now
        if len(self._lost) > KEPT_MAX:
            del self._lost[next(iter(self._lost))]

    def was_away(self, *, within_seconds: float) -> bool:
        """Was the store or the database away in the last so many seconds?"""
        return self._clock.running_seconds() - self._away <= within_seconds

    def was_lost(self, digest: Digest, *, within_seconds: float) -> bool:
        """Was somebody told in the last so many seconds that this artifact is lost?"""
        return self._clock.running_seconds() - self._lost.get(digest, -math.inf) <= within_seconds
