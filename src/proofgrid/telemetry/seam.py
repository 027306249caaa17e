"""The one place that everything a process does passes: a transaction, a call, a turn of a role's loop.

with span("loop", "watch") as turn: ...  --ends--> every observer: the log, counts and durations; later metrics, traces
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Literal

import structlog

Kind = Literal["transaction", "call", "loop"]
Level = Literal["debug", "info", "warning", "error"]

log = structlog.get_logger(__name__)


class Span:
    """One thing that a process does, from entering to leaving the context."""

    __slots__ = ("_started", "error", "kind", "name", "news", "seconds")

    def __init__(self, kind: Kind, name: str) -> None:
        self.kind = kind
        self.name = name
        self.seconds = 0.0
        self.error: BaseException | None = None  #: what it ended with
        self.news: tuple[Level, str, Mapping[str, object]] | None = (
            None  #: what the log says of it: level, event, fields
        )

    def failed(self, error: BaseException, level: Level, event: str, **said: object) -> None:
        """Note an error that is dealt with inside, and how the log tells it."""
        self.error = error
        self.news = (level, event, said)

    def __enter__(self) -> Span:
        self._started = perf_counter()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.seconds = perf_counter() - self._started
        if self.error is None:
            self.error = error
        for observe in _observers:
            observe(self)


Observer = Callable[[Span], None]  #: is told of every span that ends; must be quick and raise nothing

span = Span


@dataclass(slots=True)
class Total:
    """What ended under one name since the process began."""

    count: int = 0
    failures: int = 0
    seconds: float = 0.0


class Totals:
    """Counts and durations, kept in this process."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[Kind, str], Total] = {}

    def __call__(self, ended: Span) -> None:
        key = (ended.kind, ended.name)
        total = self._by_name.get(key)
        if total is None:
            total = self._by_name[key] = Total()
        total.count += 1
        total.seconds += ended.seconds
        if isinstance(ended.error, Exception):  # who was cancelled did not fail
            total.failures += 1

    def of(self, kind: Kind, name: str) -> Total:
        """Return what ended under a name, zeros when nothing did."""
        return self._by_name.get((kind, name), Total())

    def __iter__(self) -> Iterator[tuple[Kind, str, Total]]:
        return iter([(kind, name, total) for (kind, name), total in sorted(self._by_name.items())])


def write_log(ended: Span) -> None:
    """Log what went wrong and is news."""
    if ended.news is not None:
        level, event, said = ended.news
        getattr(log, level)(event, **said)


totals = Totals()
_observers: tuple[Observer, ...] = (totals, write_log)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Tell `observer` as well, until the context ends."""
    global _observers
    before = _observers
    _observers = (*before, observer)
    try:
        yield
    finally:
        _observers = before
