"""The numbers of a process at one moment, and those of several processes together."""

from __future__ import annotations

from collections.abc import Iterable

from proofgrid.telemetry.metrics.kinds import Buckets, Gauge, Histogram, Labels
from proofgrid.telemetry.metrics.table import METRICS

Number = float | Buckets
Snapshot = dict[str, dict[Labels, Number]]  #: by name and labels; plain, so that processes can hand it on


def take() -> Snapshot:
    """Return all numbers of this process as they are now."""
    return {name: dict(metric.read()) for name, metric in METRICS.items()}


def together(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Return the numbers of several processes as one: counts add up, levels as each is declared."""
    merged: Snapshot = {name: {} for name in METRICS}
    for snapshot in snapshots:
        for name, numbers in snapshot.items():
            kept = merged[name]
            is_worst = not isinstance(metric := METRICS[name], Histogram) and metric.merge == "max"
            for labels, number in numbers.items():
                kept[labels] = number if labels not in kept else _two(kept[labels], number, is_worst=is_worst)
    return merged


def that_lasts(snapshot: Snapshot) -> Snapshot:
    """Return what still counts of a process that is gone: what it counted, not what there was."""
    return {name: numbers for name, numbers in snapshot.items() if not isinstance(METRICS[name], Gauge)}


def _two(one: Number, other: Number, *, is_worst: bool) -> Number:
    if isinstance(one, Buckets) and isinstance(other, Buckets):
        return Buckets(
            [a + b for a, b in zip(one.counts, other.counts, strict=True)],
            one.total + other.total,
            one.examples | other.examples,
        )
    if isinstance(one, Buckets) or isinstance(other, Buckets):
        raise TypeError("a number is no histogram")
    return max(one, other) if is_worst else one + other
