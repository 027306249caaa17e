"""Geometry of charts: values in, points of an SVG out; pure. Nothing of them is told by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a chart's plane lies in its picture, in units of the picture."""

    width: int
    height: int
    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0

    @property
    def plane_right(self) -> int:
        return self.width - self.right

    @property
    def plane_bottom(self) -> int:
        return self.height - self.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A straight line from values to places; of a single value the middle."""

    low: int
    high: int
    begin: int  #: the place of `low`
    end: int  #: the place of `high`

    def at(self, value: int) -> float:
        if self.high == self.low:
            return round((self.begin + self.end) / 2, 1)
        kept = min(max(value, self.low), self.high)
        return round(self.begin + (kept - self.low) * (self.end - self.begin) / (self.high - self.low), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point with a name."""

    x: float
    y: float
    text: str
    is_buyer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines by name, ticks, marks; empty lines are not drawn."""

    frame: Frame
    lines: dict[str, str]
    x_ticks: Sequence[Tick] = ()
    y_ticks: Sequence[Tick] = ()
    marks: Sequence[Mark] = field(default_factory=tuple)


def ticks_between(low: int, high: int, *, about: int = 4) -> list[int]:
    """Return round numbers from `low` to `high`, about so many."""
    if high <= low:
        return [low]
    rough = max(1, (high - low) // about)
    magnitude = 10 ** (len(str(rough)) - 1)
    step = next(magnitude * one for one in STEPS if magnitude * one >= rough)
    first = -(-low // step) * step
    return list(range(first, high + 1, step))


def line(points: Iterable[tuple[float, float]]) -> str:
    """Return a path straight from point to point; empty of nothing."""
    return " ".join(f"{'L' if place else 'M'}{x:g} {y:g}" for place, (x, y) in enumerate(points))


def steps(points: Sequence[tuple[float, float]], *, until: float | None = None) -> str:
    """Return a path that holds each value until the next point, the last one `until` there."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners and until is not None:
        corners.append((until, corners[-1][1]))
    return line(corners)


def spark(values: Sequence[int], *, width: int = 120, height: int = 28) -> str:
    """Return a small line of values, for beside a number; empty of fewer than two."""
    if len(values) < 2:
        return ""
    across = Scale(low=0, high=len(values) - 1, begin=1, end=width - 1)
    up = Scale(low=min(values), high=max(values), begin=height - 2, end=2)
    return line([(across.at(place), up.at(value)) for place, value in enumerate(values)])
