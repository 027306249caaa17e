"""The list of metrics in docs/metrics.md, made of their table."""

from __future__ import annotations

from collections.abc import Iterator

from proofgrid.telemetry.metrics.kinds import Histogram, Label
from proofgrid.telemetry.metrics.table import SECTIONS, AnyMetric, of_section

HEADING = "## Every metric"
_SHOWN_MAX = 8  #: values of a label


def with_table(page: str) -> str:
    """Return the page with what follows its heading made anew. Raises ValueError where it has no such heading."""
    before, heading, _ = page.partition(f"{HEADING}\n")
    if not heading:
        raise ValueError(f"docs/metrics.md lacks its heading {HEADING!r}")
    return before + heading + "\n" + "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "Made by `python -m tools.watch` of the tables in `src/proofgrid/telemetry/metrics`.\n"
    for section in SECTIONS:
        said = (section.__doc__ or "").strip().splitlines()[0].partition(":")[0].rstrip(".")
        yield f"### {said}\n"
        yield "| name | kind | unit | labels | what it says |"
        yield "|---|---|---|---|---|"
        for metric in of_section(section):
            yield _row(metric)
        yield ""


def _row(metric: AnyMetric) -> str:
    labels = "<br>".join(map(_label, metric.labels)) or " "
    said = metric.help
    if isinstance(metric, Histogram):
        said += f" Buckets: {', '.join(f'{bound:g}' for bound in metric.bounds)}."
    return f"| `{metric.name}` | {metric.kind} | {metric.unit} | {labels} | {said} |"


def _label(label: Label) -> str:
    if not label.is_closed:
        return f"`{label.name}`: at most {label.most}, then `other`"
    values = sorted(label.values)
    shown = ", ".join(f"`{value}`" for value in values[:_SHOWN_MAX])
    return f"`{label.name}`: {shown}{f' and {len(values) - _SHOWN_MAX} more' if len(values) > _SHOWN_MAX else ''}"
