"""Reads JSON that somebody else wrote: each function returns a value of one kind or raises InvalidField."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField

DEPTH_MAX = 100

# A string that never ends is one too; possessive, so that no text makes it look twice.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+\\?(?:"|\Z)', re.DOTALL)
_LONG_NUMBER = re.compile(r"(?<![0-9])[0-9]{513}")  # reading one takes time that grows with the square of its length
_BRACKET = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBounds:
    """How much a JSON text may hold before anybody reads it: each costs far more memory and time than its bytes say."""

    depth: int = DEPTH_MAX
    containers: int = 1 << 20  #: lists, objects and members of objects
    elements: int = 1 << 22  #: of all lists and objects together


FILE_BOUNDS = JsonBounds()  #: for files and bundles: far beyond the largest of ours


def read_json(content: bytes, *, field: str) -> Json:
    """Return the value of a JSON text; raise InvalidField when it is none or nested too deep."""
    try:
        # As text: given bytes, json would also guess UTF-16, where our brackets and quotes are not its own.
        text = content.decode("utf-8")
        check_json(text, field, FILE_BOUNDS)
        value: Json = json.loads(text)
    except ValueError as reason:
        raise InvalidField(f"this is no JSON: {reason}", field=field) from reason
    return value


def check_json(text: str, field: str, bounds: JsonBounds) -> None:
    """Raise InvalidField for JSON that holds more than its bounds, at the cost of looking once at each character."""
    # Strings are left out, but only where what stands in them would matter.
    if not _may_exceed(text, bounds):
        return
    bare = _STRING.sub("", text)
    if _containers(bare) > bounds.containers:
        raise InvalidField(f"JSON with more than {bounds.containers} lists, objects and members", field=field)
    if _LONG_NUMBER.search(bare):
        raise InvalidField("JSON with a number of more than 512 digits", field=field)
    if bare.count(",") > bounds.elements:
        raise InvalidField(f"JSON with more than {bounds.elements} elements", field=field)
    # A dependency of eth-account raises Python's recursion limit so far that deep JSON would overflow the C stack.
    depth = 0
    for found in _BRACKET.finditer(bare):
        depth += 1 if found[0] in "[{" else -1
        if depth > bounds.depth:
            raise InvalidField(f"JSON nested deeper than {bounds.depth}", field=field)
        if depth < 0:
            return  # this is no JSON: its reader says where


def _may_exceed(text: str, bounds: JsonBounds) -> bool:
    opened = text.count("[") + text.count("{")
    return (
        opened > bounds.depth
        or opened + text.count(":") > bounds.containers
        or text.count(",") > bounds.elements
        or _LONG_NUMBER.search(text) is not None
    )


def _containers(bare: str) -> int:
    return bare.count("[") + bare.count("{") + bare.count(":")


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
