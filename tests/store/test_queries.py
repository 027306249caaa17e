"""Named queries: found by name, and every mistake in a file is found at import."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.queries import Query, compile_sql, load_queries


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
        ("-- fragment: twice\n1\n-- fragment: twice\n2", "defined twice"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=rf"jobs\.sql: .*{words}"):
        load_queries(queries_file(tmp_path, text))


def test_what_queries_share_stands_once_above_them_with_its_parameters(tmp_path: Path) -> None:
    folder = queries_file(
        tmp_path,
        "-- fragment: fits\nsize <= :room\n\n-- name: first\n-- @fits\nSELECT '@fits', :lane WHERE (@fits);\n\n"
        "-- name: second\nSELECT 1 WHERE @fits OR :room = 0;",
    )

    queries = load_queries(folder)

    assert set(queries) == {"first", "second"}
    assert queries["first"] == "-- name: first\n-- @fits\nSELECT '@fits', $1 WHERE (size <= $2);"
    assert queries["second"].endswith("SELECT 1 WHERE size <= $1 OR $1 = 0;")


def test_a_fragment_of_another_file_is_unknown(tmp_path: Path) -> None:
    queries_file(tmp_path, "-- fragment: fits\ntrue", "a.sql")
    queries_file(tmp_path, "-- name: once\nSELECT 1 WHERE @fits;", "b.sql")

    with pytest.raises(ValueError, match="@fits"):
        load_queries(tmp_path)


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


# --- named parameters and rows -----------------------------------------------------------------


def test_named_parameters_are_numbered_in_their_order_and_only_outside_of_texts() -> None:
    text, names = compile_sql(
        "-- name: x\n-- :not_this\nSELECT ':nor_this', \"a:b\", :one::text, a || ':' || :two, x[1:2], :one;"
    )

    assert names == ("one", "two")
    assert text.endswith("SELECT ':nor_this', \"a:b\", $1::text, a || ':' || $2, x[1:2], $1;")
    assert "-- :not_this" in text


def test_sets_of_states_are_spelled_from_the_life_cycles() -> None:
    text, _ = compile_sql("SELECT 1 FROM tasks WHERE state IN (@tasks_open) AND data @> '{}'")

    assert "state IN ('open', 'combining') AND data @> '{}'" in text
    with pytest.raises(ValueError, match="@tasks_asleep"):
        compile_sql("SELECT 1 WHERE state IN (@tasks_asleep)")


def test_named_and_numbered_parameters_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="mixed"):
        compile_sql("SELECT $1, :two")


@dataclass(frozen=True, slots=True)
class Shape:
    state: TaskState
    tags: tuple[str, ...]
    number: int | None


def test_rows_become_values() -> None:
    query: Query[Shape] = Query("x", "SELECT", (), Shape)

    assert query.values([("open", ["a", "b"], None)]) == [Shape(TaskState.OPEN, ("a", "b"), None)]


@dataclass(frozen=True, slots=True)
class Square(Shape):
    side: int


@dataclass(frozen=True, slots=True)
class Positive:
    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")


def test_rows_are_as_their_constructor_makes_them_and_stay_so() -> None:
    (shape,) = Query[Shape]("x", "SELECT", (), Shape).values([("open", ["a"], 1)])
    assert type(shape) is Shape
    assert hash(shape) == hash(Shape(TaskState.OPEN, ("a",), 1))
    with pytest.raises(FrozenInstanceError):
        shape.number = 2  # type: ignore[misc]
    assert Query[Square]("x", "SELECT", (), Square).values([("open", [], None, 3)]) == [
        Square(TaskState.OPEN, (), None, 3)
    ]
    with pytest.raises(ValueError, match="negative"):
        Query[Positive]("x", "SELECT", (), Positive).values([(-1,)])
    with pytest.raises(TypeError):
        Query[Shape]("x", "SELECT", (), Shape).values([("open", [])])


def test_a_single_column_becomes_its_value() -> None:
    assert Query[int]("x", "SELECT", (), int).values([(3,), (4,)]) == [3, 4]
    assert Query[TaskState]("x", "SELECT", (), TaskState).values([("done",)]) == [TaskState.DONE]


def test_a_query_takes_its_parameters_and_no_others() -> None:
    query: Query[int] = Query("x", "SELECT $1, $2", ("one", "two"), int)

    assert query.arguments({"two": 2, "one": 1}) == [1, 2]
    with pytest.raises(TypeError, match=r"query 'x': missing \['two'\], unknown \['three'\]"):
        query.arguments({"one": 1, "three": 3})
