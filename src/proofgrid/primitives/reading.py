"""Reads JSON that somebody else wrote: each function returns a value of one kind or raises InvalidField."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

DEPTH_MAX = 100

# Strings are skipped, also one that never ends; possessive, so that no text makes it look twice.
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+\\?(?:"|\Z)', re.DOTALL)


def read_json(content: bytes, *, field: str) -> Json:
    """Return the value of a JSON text; raise InvalidField when it is none or nested too deep."""
    try:
        # As text: given bytes, json would also guess UTF-16, where our brackets and quotes are not its own.
        text = content.decode("utf-8")
        _check_depth(text, field)
        value: Json = json.loads(text)
    except ValueError as reason:
        raise InvalidField(f"this is no JSON: {reason}", field=field) from reason
    return value


def _check_depth(text: str, field: str) -> None:
    # A dependency of eth-account raises Python's recursion limit so far that deep JSON would overflow the C stack.
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return  # so few cannot be nested deeper, wherever they stand
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEPTH_MAX:
            raise InvalidField(f"JSON nested deeper than {DEPTH_MAX}", field=field)


def read_object(
    value: object, names: tuple[str, ...], field: str, *, optional: tuple[str, ...] = ()
) -> Mapping[str, Json]:
    """Return an object that has exactly these members, and perhaps the `optional` ones."""
    data = read_mapping(value, field)
    if set(data) - set(optional) != set(names):
        raise InvalidField(f"expected exactly the members {', '.join(names)}", field=field)
    return data


def read_mapping(value: object, field: str) -> Mapping[str, Json]:
    """Return any object."""
    if not isinstance(value, dict):
        raise InvalidField("expected a JSON object", field=field)
    return value


def read_list(value: object, field: str) -> list[Json]:
    """Return an array."""
    if not isinstance(value, list):
        raise InvalidField("expected a JSON array", field=field)
    return value


def read_text(value: object, field: str) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidField("expected a non-empty text", field=field)
    return value


def read_texts(value: object, field: str) -> tuple[str, ...]:
    """Return an array of texts that are not empty."""
    return tuple(read_text(item, field) for item in read_list(value, field))


def read_integer(value: object, field: str, *, least: int = 0) -> int:
    """Return an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidField(f"expected an integer of at least {least}", field=field)
    return value
