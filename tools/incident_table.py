"""`python -m tools.incident_table`: writes the table of incidents into docs/operations.md, out of the code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proofgrid.rules.incidents.kinds import KINDS, Ends, IncidentKind

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
BEGIN, END = "<!-- incidents: python -m tools.incident_table -->", "<!-- end of incidents -->"
ENDS = {Ends.BY_HAND: "by hand", Ends.WHEN_OVER: "when its signal is gone"}


def table() -> str:
    """Return the table as Markdown."""
    return "\n".join(_lines()) + "\n"


def written(page: str) -> str:
    """Return the page with the table of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _lines() -> Iterator[str]:
    yield "| kind | signal, and its threshold | what is done | how it ends | why nobody causes it for others |"
    yield "|---|---|---|---|---|"
    for row in KINDS.values():
        yield (
            f"| `{row.kind}`, of {row.subject} ({row.severity.value}) | {row.signal}: {row.threshold} | {row.does} "
            f"| {_ends(row)} | {row.stranger} |"
        )


def _ends(row: IncidentKind) -> str:
    if row.ends is not Ends.BY_TIME:
        return ENDS[row.ends]
    return f"after {_span(row.first_ms)}, twice as long each time, {_span(row.longest_ms)} at most"


def _span(ms: int) -> str:
    hours = ms // 3_600_000
    return f"{ms // 60_000} min" if not hours else f"{hours} h" if hours < 48 else f"{hours // 24} days"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
