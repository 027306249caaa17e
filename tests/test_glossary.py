"""One word, one meaning: each word of the glossary stands there once and is used where it is said to live."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "proofgrid"
ROW = re.compile(r"\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| `(?P<where>[^`|]+)` \|")
ROWS = [
    found
    for line in (ROOT / "docs" / "glossary.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
    if (found := ROW.fullmatch(line)) or pytest.fail(f"not word, meaning and place: {line}")
]


def test_each_word_stands_once_in_the_order_of_the_alphabet() -> None:
    words = [row["word"].lower() for row in ROWS]
    assert words == sorted(set(words))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["word"])
def test_a_word_is_used_where_it_lives(row: re.Match[str]) -> None:
    place = SOURCE / row["where"]
    assert place.exists(), f"{row['word']} lives in {row['where']}, which is not there"
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    spelling = re.compile(r"[\s_-]*".join(re.split("[ -]", row["word"])), re.IGNORECASE)
    assert any(spelling.search(file.read_text()) or spelling.search(row["where"]) for file in files)


def test_a_meaning_fits_on_a_line() -> None:
    assert [row["word"] for row in ROWS if len(row[0]) > 160] == []
