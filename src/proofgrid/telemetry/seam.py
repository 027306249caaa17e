"""The one place that everything a process does passes: a transaction, a call, a turn of a role's loop.

with span("loop", "watch") as turn: ...  --ends--> every observer: metrics, the log, whoever listens
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Literal

import structlog

from proofgrid.telemetry.metrics.spans import count_span

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


def write_log(ended: Span) -> None:
    """Log what went wrong and is news."""
    if ended.news is not None:
        level, event, said = ended.news
        getattr(log, level)(event, **said)


_observers: tuple[Observer, ...] = (count_span, write_log)


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
