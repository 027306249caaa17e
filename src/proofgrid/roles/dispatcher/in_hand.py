"""What is in this gateway's hands: read from a prover and not handled yet, sold and not told yet.

    read --> [in hand] --> handled          who waits for the gateway is not late itself:
    sold --> [in hand] --> told             the watch stops the clocks of these leases (rules/jobs/phases.py)

A result or an excuse ends its lease one way or the other, so its clock stands still from the moment it is read. What a
prover may say as often as it likes stops clocks only once the gateway is late with it: words lengthen no phase.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.ids import LeaseId, SessionId
from proofgrid.rules.jobs.offers import HeldLease

LATE_SECONDS = 0.5  #: a gateway that needs longer for a word is late


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Whose clocks stand still at this moment."""

    everybody: bool = False  #: all leases that were sold to provers of this gateway
    session_ids: frozenset[SessionId] = frozenset()
    lease_ids: frozenset[LeaseId] = frozenset()

    def __bool__(self) -> bool:
        return self.everybody or bool(self.session_ids) or bool(self.lease_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    since: float
    about: Late
    at_once: bool


class InHand:
    """Shared by those who read, tell and watch. `loop_lag_seconds`: how late this process itself comes."""

    def __init__(self, clock: Clock, loop_lag_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._loop_lag_seconds = loop_lag_seconds
        self._numbers = itertools.count()
        self._held: dict[int, _Held] = {}

    @contextmanager
    def words(self, held: Iterable[HeldLease]) -> Iterator[None]:
        """Heartbeats and progress about these leases, until they are written down."""
        with self._holding(Late(lease_ids=frozenset(one.lease_id for one in held))):
            yield

    @contextmanager
    def last_words(self, held: Iterable[HeldLease]) -> Iterator[None]:
        """Results and excuses, until it is decided what comes of them."""
        with self._holding(Late(lease_ids=frozenset(one.lease_id for one in held)), at_once=True):
            yield

    @contextmanager
    def unread(self, session_id: SessionId) -> Iterator[None]:
        """A stream that is not read on, because too much of it is in hand."""
        with self._holding(Late(session_ids=frozenset({session_id}))):
            yield

    def begin_telling(self) -> int:
        """Leases were sold that their provers do not know of; return what `end` ends when they are told."""
        return self._begin(_Held(since=self._clock.running_seconds(), about=Late(everybody=True), at_once=False))

    def end(self, number: int) -> None:
        """It is not in hand any more."""
        del self._held[number]

    def is_decided(self, lease_id: LeaseId) -> bool:
        """Is a result or an excuse of the lease in hand?"""
        return any(one.at_once and lease_id in one.about.lease_ids for one in self._held.values())

    def lag_ms(self) -> int:
        """Return how late this whole process is; 0 when it is not."""
        seconds = self._loop_lag_seconds()
        return int(1_000 * seconds) if seconds >= LATE_SECONDS else 0

    def oldest_result_seconds(self) -> float:
        """Return for how long the oldest result, or excuse, has been in hand."""
        oldest = next((one.since for one in self._held.values() if one.at_once), None)
        return 0.0 if oldest is None else self._clock.running_seconds() - oldest

    def late(self) -> Late:
        """Return whose clocks stand still now."""
        now = self._clock.running_seconds()
        counting = [one.about for one in self._held.values() if one.at_once or one.since <= now - LATE_SECONDS]
        return Late(
            everybody=bool(self.lag_ms()) or any(one.everybody for one in counting),
            session_ids=frozenset().union(*(one.session_ids for one in counting)),
            lease_ids=frozenset().union(*(one.lease_ids for one in counting)),
        )

    @contextmanager
    def _holding(self, about: Late, *, at_once: bool = False) -> Iterator[None]:
        number = self._begin(_Held(since=self._clock.running_seconds(), about=about, at_once=at_once))
        try:
            yield
        finally:
            self.end(number)

    def _begin(self, held: _Held) -> int:
        number = next(self._numbers)
        self._held[number] = held
        return number
