"""The numbers of a process at one moment, and those of several processes together."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from proofgrid.telemetry.metrics.kinds import Buckets, Gauge, Histogram, Labels
from proofgrid.telemetry.metrics.table import METRICS, of_section

Number = float | Buckets
Snapshot = dict[str, dict[Labels, Number]]  #: by name and labels; plain, so that processes can hand it on


def take(*sections: ModuleType) -> Snapshot:
    """Return the numbers of this process as they are now: of the tables that it fills, of all where none is named."""
    metrics = METRICS.values() if not sections else (one for section in sections for one in of_section(section))
    return {metric.name: dict(metric.read()) for metric in metrics}


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
