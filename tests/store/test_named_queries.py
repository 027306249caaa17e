"""Every named query is declared and asked; each can be prepared, and answers with what its row says."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest

import proofgrid.store
from proofgrid.store.database import Database
from proofgrid.store.queries import DECLARED, QUERIES, Query

SOURCE = Path(__file__).parents[2] / "src" / "proofgrid"

#: What asyncpg makes of PostgreSQL's types.
TYPES: Mapping[str, type] = {
    "uuid": UUID,
    "text": str,
    "varchar": str,
    "name": str,
    "int2": int,
    "int4": int,
    "int8": int,
    "bool": bool,
    "bytea": bytes,
    "numeric": Decimal,
    "float8": float,
    "timestamptz": datetime,
}


@pytest.fixture(scope="module", autouse=True)
def _all_declared() -> None:
    for module in pkgutil.iter_modules(proofgrid.store.__path__):
        importlib.import_module(f"proofgrid.store.{module.name}")


def test_every_named_query_is_declared_with_its_row() -> None:
    assert set(DECLARED) == set(QUERIES)


def test_every_declared_query_is_asked() -> None:
    text = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    constants = {
        name: constant for constant, name in re.findall(r'^(\w+)(?:: [^=\n]+)? = query\(\s*"(\w+)"', text, re.MULTILINE)
    }
    words = Counter(re.findall(r"\w+", text))
    assert set(constants) == set(DECLARED), "each is declared as a constant of a module"
    assert [name for name, constant in constants.items() if words[constant] < 2] == [], "nobody asks these"


async def test_every_query_can_be_prepared_and_answers_with_its_row(database: Database) -> None:
    wrong = []
    async with database.connection() as connection:
        for name in QUERIES:
            prepared = await connection.raw.prepare(QUERIES[name])
            wrong += list(differences(DECLARED[name], prepared.get_attributes()))
    assert not wrong, "\n".join(wrong)


#: Numbers of four bytes, and why none is larger: what a stranger may choose is a bigint, which takes all that a
#: message holds.
FOUR_BYTES = {
    "counted by us": {"attempts", "bids", "asks", "matching", "pauses", "operator_pauses", "proofs", "failures"}
    | {"proven", "times_kept", "operators", "positions", "status", "clients"},
    "bounded where it comes in": {"inputs", "slices", "slice", "slots", "cores", "reserve_slots", "permilles"},
    "a setting with bounds": {"gateway_silent_ms", "silent_ms", "grace_ms", "lately_ms", "horizon", "fee_permille"}
    | {"one_in", "hedges_max", "stacks"},
    "a constant": {"enough", "most", "limit"},
}


async def test_a_number_that_somebody_chooses_has_eight_bytes(database: Database) -> None:
    known, small = set().union(*FOUR_BYTES.values()), set()
    async with database.connection() as connection:
        for name in QUERIES:
            prepared = await connection.raw.prepare(QUERIES[name])
            for parameter, kind in zip(DECLARED[name].parameters, prepared.get_parameters(), strict=True):
                if kind.name.removesuffix("[]") in ("int2", "int4"):
                    small.add(parameter)
    assert small <= known, "cast it: ::bigint"
    assert known <= small, "these have eight by now"


def differences(query: Query[Any], columns: Sequence[Any]) -> Iterator[str]:
    """Yield what the row that a query declares and the columns that it really has do not agree on."""
    if query.row is None:
        return
    if not is_dataclass(query.row):
        if len(columns) != 1:
            yield f"{query.name}: {len(columns)} columns where one value is declared"
        elif not fits(columns[0].type, query.row):
            yield f"{query.name}: {columns[0].type.name} is no {query.row}"
        return
    hints = get_type_hints(query.row)
    names = [field.name for field in fields(query.row)]
    if names != [column.name for column in columns]:
        yield f"{query.name}: columns {[column.name for column in columns]}, row {names}"
        return
    for column in columns:
        if not fits(column.type, hints[column.name]):
            yield f"{query.name}.{column.name}: {column.type.name} is no {hints[column.name]}"


def fits(column: Any, kind: Any) -> bool:
    """Tell whether values of a PostgreSQL type are values of a field's type."""
    kind = getattr(kind, "__value__", kind)
    if get_origin(kind) in (Union, UnionType):
        inner = [one for one in get_args(kind) if one is not NoneType]
        return len(inner) == 1 and fits(column, inner[0])
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    if column.name in ("jsonb", "json"):
        return kind is not str and kind is not int
    if column.kind == "array":
        return get_origin(kind) in (tuple, frozenset, list, Sequence) and fits(
            _Element(column.name.removesuffix("[]").removeprefix("_")), get_args(kind)[0]
        )
    wanted = TYPES.get(column.name)
    if wanted is str and isinstance(kind, type) and issubclass(kind, StrEnum):
        return True
    return wanted is not None and kind is wanted


class _Element:
    """The type of an array's elements, by name."""

    kind = "scalar"

    def __init__(self, name: str) -> None:
        self.name = name
