"""Pages and their cursors: what is no cursor of a list is refused, and nothing is missed or told twice."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.pages import NEWEST, Page, page_of, read_cursor, spell_cursor


def spelled(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text("abc-:0", max_size=60))
def test_a_cursor_names_its_place(at: int, name: str) -> None:
    assert read_cursor(spell_cursor("tasks", (at, name)), "tasks", NEWEST) == [at, name]
    with pytest.raises(InvalidField):
        read_cursor(spell_cursor("quotes", (at, name)), "tasks", NEWEST)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "!!!!",
        "=",
        spelled({}),
        spelled([]),
        spelled(["tasks"]),
        spelled(["tasks", 1]),
        spelled(["tasks", "1", "a"]),
        spelled(["tasks", True, "a"]),
        spelled(["tasks", 1.0, "a"]),
        spelled(["tasks", 2**63, "a"]),
        spelled(["tasks", 1, "a\0"]),
        spelled(["tasks", 1, "é"]),
        spelled(["tasks", 1, "a" * 600]),
        spelled(["tasks", 1, "a", 2]),
        "W" * 5_000,
    ],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refused:
        read_cursor(text, "tasks", NEWEST)
    assert refused.value.field == "cursor"


@given(st.lists(st.tuples(st.integers(0, 3), st.text("ab", max_size=3)), unique=True), st.integers(1, 5))
def test_page_by_page_everything_comes_once(entries: list[tuple[int, str]], limit: int) -> None:
    def ask(cursor: str) -> Page[tuple[int, str]]:
        place = tuple(read_cursor(cursor, "tasks", NEWEST))
        rows = sorted((one for one in entries if one < place), reverse=True)[: limit + 1]
        return page_of(rows, limit=limit, of="tasks", place=lambda one: one)

    found: list[tuple[int, str]] = []
    cursor = ""
    for _ in range(len(entries) + 1):
        page = ask(cursor)
        found += page
        cursor = page.next_cursor
        if not cursor:
            break
    assert found == sorted(entries, reverse=True)
    assert not cursor
