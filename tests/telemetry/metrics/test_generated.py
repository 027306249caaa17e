"""What is made of the table of metrics and checked in is what would be made now."""

from __future__ import annotations

from tools.watch.files import generated


def test_what_is_checked_in_is_what_is_made_of_the_table() -> None:
    stale = [path.name for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "python -m tools.watch"
