"""Documents are in form: sentences on lines of their own, decisions indexed, links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.prose import LINE_MAX, ROOT, documents, in_form

SOURCE = ROOT / "src" / "proofgrid"
DECISIONS = ROOT / "docs" / "decisions"
#: Decisions and the changelog speak of what was there when they were written.
LIVING = [path for path in documents() if path.parent != DECISIONS and path.name != "CHANGELOG.md"]
STATUS = re.compile(r"accepted(, continued by \d{4}( and \d{4})*)?|superseded by \d{4}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("One. Two.", "One.\nTwo."),
        ("* An item, e.g. this\n  one. Its end.", "* An item, e.g. this one.\n  Its end."),
        ("1. First (see `a. B`). Second.", "1. First (see `a. B`).\n   Second."),
        ("| a. B | c |", "| a. B | c |"),
        ("```\nOne. Two.\n```", "```\nOne. Two.\n```"),
        ("Text:\n\n    code. Code.", "Text:\n\n    code. Code."),
    ],
)
def test_a_sentence_is_a_line(before: str, after: str) -> None:
    assert in_form(before) == after + "\n"


def test_a_long_sentence_goes_on_after_a_clause() -> None:
    long = ", ".join(["a clause of a sentence"] * 12) + "."
    lines = in_form(long).splitlines()
    assert all(len(line) <= LINE_MAX for line in lines)
    assert all(line.endswith(",") for line in lines[:-1])


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_document_is_in_form(path: Path) -> None:
    assert in_form(path.read_text()) == path.read_text(), "make format"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", LIVING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(path: Path) -> None:
    named = re.findall(
        r"[`(](?:src/proofgrid/)?((?:[a-z0-9_]+/)+[a-z0-9_]+\.(?:py|sql|sh|proto))[`)]", path.read_text()
    )
    assert [name for name in named if not any((place / name).exists() for place in (ROOT, SOURCE, path.parent))] == []


def test_the_index_of_decisions_names_each_with_its_status() -> None:
    rows = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+?) \| (.+?) \|$", (DECISIONS / "README.md").read_text(), re.M)
    decisions = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        title, _, status = path.read_text().splitlines()[:3]
        number = path.name[:4]
        decisions.append((number, path.name, title.removeprefix(f"# {number} "), status.removeprefix("Status: ")))
    assert rows == decisions
    assert [row for row in rows if not STATUS.fullmatch(row[3])] == []


def test_a_decision_that_is_continued_is_continued_by_a_later_one() -> None:
    numbers = {path.name[:4] for path in DECISIONS.glob("[0-9]*.md")}
    for number in numbers:
        (path,) = DECISIONS.glob(f"{number}*.md")
        later = re.findall(r"\d{4}", path.read_text().splitlines()[2])
        assert all(other in numbers and other > number for other in later), path.name
