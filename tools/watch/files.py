"""The files that are made of the table of metrics, with their text."""

from __future__ import annotations

from pathlib import Path

from tools.watch.page import with_table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"


def generated() -> dict[Path, str]:
    """Return the text of each file."""
    return {PAGE: with_table(PAGE.read_text(encoding="utf-8"))}
