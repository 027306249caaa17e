"""A line chart as SVG text, for the few figures in docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 50
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728")
TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def line_chart(*, title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> str:
    """Return the chart; both axes start at 0."""
    x_max = max(max(line.x) for line in lines) or 1.0
    y_max = 1.15 * max(max(line.y) for line in lines) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * x / x_max,
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / y_max,
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif"'
        ' font-size="12"><rect width="100%" height="100%" fill="white"/>',
        _text(WIDTH / 2, 20, title, anchor="middle", size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label, anchor="middle"),
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>',
    ]
    for tick in range(TICKS + 1):
        x, y = place(x_max * tick / TICKS, y_max * tick / TICKS)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{x_max * tick / TICKS:g}", anchor="middle"))
        parts.append(_text(LEFT - 6, y + 4, f"{y_max * tick / TICKS:.3g}", anchor="end"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line.x, line.y))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{LEFT + 10 + 210 * number}" y="32" width="14" height="4" fill="{colour}"/>')
        parts.append(_text(LEFT + 30 + 210 * number, 38, line.name))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
