"""Named queries: found by name, and every mistake in a file is found at import."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.store.queries import load_queries


def queries_file(folder: Path, text: str, name: str = "jobs.sql") -> Path:
    (folder / name).write_text(text)
    return folder


def test_each_query_is_found_by_its_name_with_its_comments(tmp_path: Path) -> None:
    folder = queries_file(
        tmp_path, "-- jobs\n\n-- name: first\n-- One\nSELECT 1;\n\n-- name: second_2\nSELECT 2\n  FROM jobs;\n"
    )

    queries = load_queries(folder)

    assert set(queries) == {"first", "second_2"}
    assert queries["first"] == "-- name: first\n-- One\nSELECT 1;"
    assert queries["second_2"].endswith("SELECT 2\n  FROM jobs;")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- name: twice\nSELECT 1;\n-- name: twice\nSELECT 2;", "defined twice"),
        ("-- name: empty\n-- only words\n", "has no SQL"),
        ("-- name: Bad Name\nSELECT 1;", "no query name"),
        ("SELECT 1;\n-- name: late\nSELECT 2;", "before the first"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=rf"jobs\.sql: .*{words}"):
        load_queries(queries_file(tmp_path, text))


def test_a_name_may_not_be_used_in_two_files(tmp_path: Path) -> None:
    queries_file(tmp_path, "-- name: once\nSELECT 1;", "a.sql")
    queries_file(tmp_path, "-- name: once\nSELECT 1;", "b.sql")

    with pytest.raises(ValueError, match=r"b\.sql"):
        load_queries(tmp_path)


def test_an_unknown_query_is_named_and_queries_cannot_be_changed(tmp_path: Path) -> None:
    queries = load_queries(queries_file(tmp_path, "-- name: only\nSELECT 1;"))

    with pytest.raises(KeyError, match="missing_one"):
        queries["missing_one"]
    with pytest.raises(TypeError):
        queries["only"] = "DROP"  # type: ignore[index]
