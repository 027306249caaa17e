"""SQL is written in SQL: named queries, read once from `queries/*.sql`, with named parameters and typed rows.

    -- name: lock_task
    -- A task under its row lock, while it is not over
    SELECT task_id, limit_price FROM tasks WHERE task_id = :task_id AND state IN (@tasks_open) FOR NO KEY UPDATE;

    @dataclass(frozen=True, slots=True)
    class LockedTask:                                      # the columns, in their order
        task_id: UUID
        limit_price: int

    LOCK_TASK = query("lock_task", LockedTask)
    task = await connection.first(LOCK_TASK, task_id=task_id)

`:name` is a parameter, `@name` a set of states (`state_sets.py`), or SQL that several queries of a file share and that
stands there under `-- fragment: name`; none of them counts in texts and comments. Beside each
`queries/<area>.sql` stands `store/<area>.py`, which declares its rows and queries. A test prepares every query on
a real database and compares columns, their order and their types with the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints, overload

from proofgrid.primitives.quick_values import maker_of
from proofgrid.store.state_sets import STATE_SETS

Row = TypeVar("Row")

_NAME_LINE = re.compile(r"^--\s*(name|fragment):\s*(.*?)\s*$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(
    r"(?P<quiet>--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"|::)|(?<![\w:]):(?P<parameter>[a-z]\w*)|@(?P<states>[a-z]\w*)"
)


class Queries(Mapping[str, str]):
    """SQL text by query name; cannot be changed."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise KeyError(f"no query is named {name!r} in queries/*.sql") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@dataclass(frozen=True)
class Query(Generic[Row]):
    """A statement whose parameters have names and whose rows have a type.

    `text` is SQL with `$1..$n`, `parameters` their names in that order. `row` is a frozen dataclass whose fields are
    the columns, a type for a single column, or None where nothing comes back; `optional`: a single column may be NULL.
    """

    name: str
    text: str
    parameters: tuple[str, ...]
    row: Any
    optional: bool = False

    def arguments(self, named: Mapping[str, object]) -> list[object]:
        """Return the values of `named` in the statement's order; raise TypeError unless they are its parameters."""
        if len(named) == len(self.parameters):
            try:
                return [named[name] for name in self.parameters]
            except KeyError:
                pass
        missing, unknown = sorted(set(self.parameters) - set(named)), sorted(set(named) - set(self.parameters))
        raise TypeError(f"query {self.name!r}: missing {missing}, unknown {unknown}")

    def values(self, records: Sequence[Sequence[object]]) -> list[Row]:
        """Return what the database answered as values of the row's type."""
        make = self._make
        return [make(record) for record in records]

    @cached_property
    def _make(self) -> Callable[[Sequence[object]], Row]:
        if self.row is None:
            return lambda _record: cast("Row", None)
        if not is_dataclass(self.row):
            convert = _conversion(self.row)
            if convert is None:
                return lambda record: cast("Row", record[0])
            return lambda record: cast("Row", None if record[0] is None else convert(record[0]))
        row = _maker(cast("type[Row]", self.row))
        hints = get_type_hints(self.row)
        found = [_conversion(hints[field.name]) for field in fields(self.row)]
        conversions = [(place, convert) for place, convert in enumerate(found) if convert is not None]
        if not conversions:
            return row

        def make(record: Sequence[object]) -> Row:
            values = list(record)
            for place, convert in conversions:
                if values[place] is not None:
                    values[place] = convert(values[place])
            return row(values)

        return make


def _maker(row: type[Row]) -> Callable[[Sequence[object]], Row]:
    """Return what makes a row of its columns' values."""
    if hasattr(row, "__post_init__"):
        return lambda record: row(*record)
    make = maker_of(row)
    return lambda record: make(*record)


def _conversion(kind: Any) -> Callable[[Any], Any] | None:
    """Return what makes a field's value out of a column's: states by name, lists that must not change; or None."""
    if get_origin(kind) in (Union, UnionType):
        (kind,) = (one for one in get_args(kind) if one is not NoneType)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    origin = get_origin(kind)
    if origin in (tuple, frozenset):
        (inner, *_) = get_args(kind)
        convert = _conversion(inner)
        if convert is None:
            return cast("Callable[[Any], Any]", origin)
        return lambda values: origin(map(convert, values))
    return None


#: Every query that a module declares, by name.
DECLARED: dict[str, Query[Any]] = {}


@overload
def query(name: str, row: None) -> Query[None]: ...
@overload
def query(name: str, row: type[Row]) -> Query[Row]: ...
@overload
def query(name: str, row: type[Row], *, optional: Literal[True]) -> Query[Row | None]: ...
def query(name: str, row: Any, *, optional: bool = False) -> Query[Any]:
    """Declare the query `name` of the `.sql` files with the type of its rows.

    `optional`: its single column may be NULL. Raises KeyError for a name that is in no file, ValueError for a second
    declaration.
    """
    if name in DECLARED:
        raise ValueError(f"query {name!r} is declared twice")
    declared: Query[Any] = Query(name, QUERIES[name], _COMPILED[name][1], row, optional)
    DECLARED[name] = declared
    return declared


def load_queries(directory: Path) -> Queries:
    """Read every `*.sql` file below `directory`; raise ValueError for a query without name, without SQL, or twice."""
    return Queries({name: compile_sql(text)[0] for name, text in _texts(directory).items()})


def compile_sql(text: str) -> tuple[str, tuple[str, ...]]:
    """Return SQL with `$1..$n` for its named parameters and with its sets of states spelled; and the parameters' names.

    Raises ValueError for a set that `state_sets.py` does not know, and where named and numbered parameters are mixed.
    """
    names: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["quiet"]:
            return match[0]
        if match["states"]:
            return _states(match["states"])
        if match["parameter"] not in names:
            names.append(match["parameter"])
        return f"${names.index(match['parameter']) + 1}"

    compiled = _TOKEN.sub(replace, text)
    if names and re.search(r"\$\d", _TOKEN.sub("", text)):
        raise ValueError(f"named and numbered parameters are mixed: {text.splitlines()[0]}")
    return compiled, tuple(names)


def spell_states(text: str) -> str:
    """Return SQL with its sets of states spelled; raise ValueError for one that `state_sets.py` does not know."""
    return _TOKEN.sub(lambda match: _states(match["states"]) if match["states"] else match[0], text)


def _states(name: str) -> str:
    if name not in STATE_SETS:
        raise ValueError(f"there is no set of states @{name} in state_sets.py")
    return STATE_SETS[name]


def _texts(directory: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(directory.rglob("*.sql")):
        fragments: dict[str, str] = {}
        for kind, name, text in _split(path):
            if name in (fragments if kind == "fragment" else texts):
                raise ValueError(f"{path.name}: {kind} {name!r} is defined twice")
            if kind == "fragment":
                fragments[name] = text
            else:
                # The name line stays, so that pg_stat_activity says which query is running.
                texts[name] = f"-- name: {name}\n{_with_fragments(text, fragments)}"
    return texts


def _with_fragments(text: str, fragments: Mapping[str, str]) -> str:
    """Return SQL with the fragments that stand above it in its file."""
    return _TOKEN.sub(lambda match: fragments.get(match["states"] or "", match[0]), text)


def _split(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what a file holds in its order: "name" or "fragment", what it is called, its text."""
    head, *rest = _NAME_LINE.split(path.read_text(encoding="utf-8"))
    if _sql_of(head):
        raise ValueError(f"{path.name}: SQL before the first '-- name:' line")
    for kind, name, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{path.name}: {name!r} is no query name (lower case, digits, underscores)")
        if not _sql_of(body):
            raise ValueError(f"{path.name}: query {name!r} has no SQL")
        yield kind, name, body.strip()


def _sql_of(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--"))


_COMPILED = {name: compile_sql(text) for name, text in _texts(Path(__file__).parent / "queries").items()}
#: The text of every query of the store.
QUERIES = Queries({name: text for name, (text, _) in _COMPILED.items()})
