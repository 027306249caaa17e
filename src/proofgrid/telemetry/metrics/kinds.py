"""What can be measured: how often, how much there is now, and how long or how large.

    Counter    goes up                  add(number, *labels)
    Gauge      goes up and down         set(value, *labels), show({labels: value}) of all at once
    Histogram  how many were how large  observe(value, *labels)

Each keeps its numbers in this process, in plain Python: whoever counts knows nothing of who reads.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf
from threading import Lock
from typing import ClassVar, Literal

OTHER = "other"  #: stands for label values beyond those that are known, or beyond so many
ZEROS_MAX = 128  #: combinations of closed labels that are shown before anything was counted

Labels = tuple[str, ...]  #: values, in the order of the declaration
Merge = Literal["sum", "max"]  #: what several processes of one gateway have together


@dataclass(frozen=True, slots=True)
class Label:
    """A dimension of a metric, bounded: by all its values, or by how many there may be."""

    name: str
    values: frozenset[str] = frozenset()  #: all there are; empty: nobody knows before
    most: int = 0  #: of those that nobody knows before

    @property
    def is_closed(self) -> bool:
        return bool(self.values)


def closed(name: str, values: Iterable[str]) -> Label:
    """Return a label that has these values, or `other`."""
    return Label(name, frozenset(values))


def capped(name: str, most: int) -> Label:
    """Return a label that has the first so many values that come, then `other`."""
    return Label(name, most=most)


@dataclass(slots=True)
class Buckets:
    """What one histogram counted under its labels."""

    counts: list[int]  #: one for each bound and one beyond them, each for itself
    total: float = 0.0
    examples: dict[int, tuple[str, float]] = field(default_factory=dict)  #: of a bucket: the trace of one, its value


class Metric:
    """`name`: ends in its unit. `labels`: what it is told by. Numbers are kept for each combination of these."""

    kind: ClassVar[Literal["counter", "gauge", "histogram"]]

    def __init__(self, name: str, help: str, *labels: Label, unit: str) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.labels = labels
        self.unit = unit
        self._lock = Lock()
        self._seen: tuple[set[str], ...] = tuple(set(one.values) for one in labels)

    def bounded(self, labels: Sequence[str]) -> Labels:
        """Return the values under which something is kept. Raises TypeError where one is missing, or one too many."""
        if len(labels) != len(self.labels):
            raise TypeError(f"{self.name} is told by {[one.name for one in self.labels]}, not by {list(labels)}")
        return tuple(map(self._bounded, self.labels, self._seen, labels))

    @staticmethod
    def _bounded(label: Label, seen: set[str], value: str) -> str:
        if value not in seen:
            if len(seen) >= label.most:  # of a closed one that is 0
                return OTHER
            seen.add(value)
        return value

    def _zeros(self) -> list[Labels]:
        """Return the combinations that are shown from the start: a rate needs a zero before the first one."""
        if not all(one.is_closed for one in self.labels):
            return []
        every = list(product(*(sorted(one.values) for one in self.labels)))
        return every if len(every) <= ZEROS_MAX else []


class Counter(Metric):
    """How often something happened, or how much of it, since the process began; `max`: since the network began."""

    kind = "counter"

    def __init__(self, name: str, help: str, *labels: Label, unit: str, merge: Merge = "sum") -> None:  # noqa: A002
        super().__init__(name, help, *labels, unit=unit)
        self.merge: Merge = merge
        self._values: dict[Labels, float] = dict.fromkeys(self._zeros(), 0)

    def add(self, number: float, *labels: str) -> None:
        """Count so much more."""
        with self._lock:
            if labels in self._values:
                self._values[labels] += number
                return
            kept = self.bounded(labels)
            self._values[kept] = self._values.get(kept, 0) + number

    def show(self, values: Mapping[Labels, float]) -> None:
        """Show what somebody else counts, instead of all that was shown; it never goes down there."""
        with self._lock:
            self._values = dict.fromkeys(self._zeros(), 0.0) | _added_up(self, values)

    def of(self, *labels: str) -> float:
        """Return what was counted under these labels."""
        return self._values.get(labels, 0)

    def read(self) -> dict[Labels, float]:
        """Return all that was counted."""
        with self._lock:
            return dict(self._values)


class Gauge(Metric):
    """A level: how much there is now; nothing under labels that nobody has set."""

    kind = "gauge"

    def __init__(self, name: str, help: str, *labels: Label, unit: str, merge: Merge) -> None:  # noqa: A002
        super().__init__(name, help, *labels, unit=unit)
        self.merge: Merge = merge
        self._values: dict[Labels, float] = {}

    def set(self, value: float, *labels: str) -> None:
        """Note how much there is now."""
        with self._lock:
            self._values[labels if labels in self._values else self.bounded(labels)] = value

    def show(self, values: Mapping[Labels, float]) -> None:
        """Note how much there is under all labels; nothing is left of what was there before."""
        with self._lock:
            for seen, label in zip(self._seen, self.labels, strict=True):
                if not label.is_closed:
                    seen.clear()  # a lane that nobody uses any more makes room for another one
            self._values = _added_up(self, values)

    def of(self, *labels: str) -> float:
        """Return how much there is under these labels, zero where nobody has set it."""
        return self._values.get(labels, 0)

    def read(self) -> dict[Labels, float]:
        """Return all of it."""
        with self._lock:
            return dict(self._values)


class Histogram(Metric):
    """How many were at most as large as each bound, and all of them together."""

    kind = "histogram"

    def __init__(self, name: str, help: str, *labels: Label, unit: str, bounds: Sequence[float]) -> None:  # noqa: A002
        super().__init__(name, help, *labels, unit=unit)
        self.bounds = tuple(bounds)
        self._values: dict[Labels, Buckets] = {labels: self._empty() for labels in self._zeros()}

    def observe(self, value: float, *labels: str, trace: str = "", number: int = 1) -> None:
        """Count one of this size, or `number` of them. `trace`: the id of the trace that it is an example of."""
        with self._lock:
            kept = self._values.get(labels)
            if kept is None:
                kept = self._values.setdefault(self.bounded(labels), self._empty())
            place = bisect_left(self.bounds, value)
            kept.counts[place] += number
            kept.total += value * number
            if trace:
                kept.examples[place] = trace, value

    def count(self, *labels: str) -> int:
        """Return how many were counted under these labels."""
        kept = self._values.get(labels)
        return 0 if kept is None else sum(kept.counts)

    def read(self) -> dict[Labels, Buckets]:
        """Return all that was counted."""
        with self._lock:
            return {
                labels: Buckets(list(one.counts), one.total, dict(one.examples)) for labels, one in self._values.items()
            }

    @property
    def bounds_told(self) -> tuple[float, ...]:
        """The bounds as readers have them: the last one holds all."""
        return (*self.bounds, inf)

    def _empty(self) -> Buckets:
        return Buckets([0] * (len(self.bounds) + 1))


def _added_up(metric: Metric, values: Mapping[Labels, float]) -> dict[Labels, float]:
    kept: dict[Labels, float] = {}
    for labels, value in values.items():
        bounded = metric.bounded(labels)
        kept[bounded] = kept.get(bounded, 0) + value
    return kept
