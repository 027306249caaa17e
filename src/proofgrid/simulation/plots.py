"""The pictures of a report, as SVG text. matplotlib is an optional extra and loaded only here."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from proofgrid.primitives.errors import InvalidRequest
from proofgrid.simulation.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLASS_COLOURS = {"large": "#7b3294", "medium": "#0571b0", "small": "#e66101"}
BETTER, WORSE, GREY = "#1a9850", "#d73027", "#888888"
MINUTE_MS = 60_000
TOKEN = 1e9
LOSS_SHOWN = -200  #: percent; whoever loses more has no use for a longer bar
WIDTH, HEIGHT = 7.6, 3.5  #: inches
STYLE: Any = {
    "svg.hashsalt": "proofgrid",  # the same picture is the same text
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


class PlotsMissing(InvalidRequest):
    """The report's plots are drawn by matplotlib, which is not installed."""

    code = "PG-170"


def check_plots() -> None:
    """Raise PlotsMissing when no plots can be drawn."""
    if find_spec("matplotlib") is None:
        raise PlotsMissing(field="out", hint="pip install 'proofgrid[plots]', or print the report with --json")


def plots_of(report: Report) -> dict[str, str]:
    """Return the plots by name; those that would be empty are left out."""
    check_plots()
    import matplotlib as mpl

    with mpl.rc_context(STYLE):
        drawn = {name: draw(report) for name, draw in _PLOTS.items()}
    return {name: svg for name, svg in drawn.items() if svg}


def _utilisation(report: Report) -> str:
    series = report["series"]["utilisation"]
    if not series["at_ms"]:
        return ""
    figure, axes = _axes()
    minutes = [at_ms / MINUTE_MS for at_ms in series["at_ms"]]
    for name, colour in CLASS_COLOURS.items():
        axes.plot(minutes, [100 * share for share in series[name]], color=colour, label=name, linewidth=1.4)
    axes.set(xlabel="minutes", ylabel="slots in use, %", ylim=(0, 104))
    axes.set_xlim(0, _last_minute(report))
    axes.axvline(report["totals"]["arrivals_until_ms"] / MINUTE_MS, color=GREY, linestyle=":", linewidth=1)
    _legend(axes)
    return _svg(figure)


def _prices(report: Report) -> str:
    prices = report["series"]["prices"]
    if not any(prices.values()):
        return ""
    figure, axes = _axes()
    for name, colour in CLASS_COLOURS.items():
        rows = [row for row in prices[name] if row[4]]
        minutes = [row[0] / MINUTE_MS for row in rows]
        axes.plot(minutes, [row[2] for row in rows], color=colour, label=name, linewidth=1.4)
        axes.plot(minutes, [row[3] for row in rows], color=colour, linewidth=0.8, linestyle=":")
    axes.set(xlabel="minutes", ylabel="price per PU, base units", xlim=(0, _last_minute(report)))
    axes.set_ylim(bottom=0)
    _legend(axes)
    return _svg(figure)


def _waiting(report: Report) -> str:
    rows = [row for row in report["classes"] if row["waiting_ms"]["p50"] is not None]
    if not rows:
        return ""
    figure, axes = _axes()
    for place, percentile in enumerate(("p50", "p90", "p99")):
        at = [number + (place - 1) * 0.26 for number in range(len(rows))]
        seconds = [row["waiting_ms"][percentile] / 1_000 for row in rows]
        bars = axes.bar(at, seconds, width=0.24, color=("#a6bddb", "#3690c0", "#034e7b")[place], label=percentile)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
    axes.set_xticks(range(len(rows)), [row["class"] for row in rows])
    axes.set(ylabel="seconds from submit to lease")
    axes.margins(y=0.15)
    axes.grid(visible=False, axis="x")
    _legend(axes)
    return _svg(figure)


def _welfare(report: Report) -> str:
    rows = report["welfare"]["rows"]
    if not rows:
        return ""
    figure, axes = _axes()
    for name, colour in CLASS_COLOURS.items():
        chosen = [row for row in rows if row[1] == name]
        shares = [100 * row[4] / row[5] for row in chosen]
        axes.scatter([row[2] for row in chosen], shares, color=colour, s=20, alpha=0.75, label=name, linewidths=0)
    axes.axhline(97, color=GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set(xlabel="bids in the book", ylabel="% of the best welfare", ylim=(-4, 104))
    _legend(axes)
    return _svg(figure)


def _deviations(report: Report) -> str:
    rows = report["deviations"][::-1]
    if not rows:
        return ""
    figure, axes = _axes(height=0.8 + 0.34 * len(rows))
    shares = [100 * row["gain_share"] for row in rows]
    errors = [100 * (row["gain_share_95"] or 0) for row in rows]
    colours = [BETTER if share <= 0 else WORSE for share in shares]
    axes.barh(range(len(rows)), shares, xerr=errors, color=colours, height=0.62, ecolor="#444444", capsize=2.5)
    axes.axvline(0, color="#222222", linewidth=1)
    axes.set_yticks(range(len(rows)), [row["strategy"] for row in rows])
    axes.set(xlabel="what it earns beyond honesty, % of what honesty earns (thin bars: 95%)")
    axes.set_xlim(left=max(LOSS_SHOWN, axes.get_xlim()[0]))
    axes.grid(visible=False, axis="y")
    return _svg(figure)


def _treasury(report: Report) -> str:
    rows = report["series"]["treasury"]
    if not rows:
        return ""
    figure, axes = _axes(height=2.4)
    axes.plot([row[0] / MINUTE_MS for row in rows], [row[1] / TOKEN for row in rows], color="#4d4d4d", linewidth=1.4)
    axes.set(xlabel="minutes", ylabel="treasury, tokens")
    axes.set_ylim(bottom=0)
    return _svg(figure)


_PLOTS = {
    "utilisation": _utilisation,
    "prices": _prices,
    "waiting": _waiting,
    "welfare": _welfare,
    "deviations": _deviations,
    "treasury": _treasury,
}


def _last_minute(report: Report) -> float:
    """Return until when a curve is worth looking at: after the last arrivals only retries trickle."""
    totals = report["totals"]
    return float(min(totals["simulated_ms"], totals["arrivals_until_ms"] * 1.3) / MINUTE_MS)


def _axes(*, height: float = HEIGHT) -> tuple[Figure, Axes]:
    # Figure and not pyplot: pyplot would look for a screen and keep every figure alive.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes: Any = figure.subplots()
    return figure, axes


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
