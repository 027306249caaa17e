"""Makes a frozen value of a message: field by field, by their names.

A value's fields are the message's, with two differences: `…_json` becomes what the JSON says, under the name without
that ending, and a name that is a word of Python's gets an underscore. A test compares every value with its message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

from proofgrid.primitives.errors import MalformedMessage
from proofgrid.primitives.pages import Page

Answer = TypeVar("Answer")
Said = TypeVar("Said", bound=Message)  #: leaves it to a call to say which message it returns

Take = Callable[[Message], Any]  #: takes the value of one field out of a message


def read(kind: type[Answer], message: Said) -> Answer:
    """Return the value of a message."""
    taken = _takes_of(kind, type(message))  # type: ignore[arg-type]  # a type has a hash
    return kind(**{name: take(message) for name, take in taken.items()})


def read_all(kind: type[Answer], messages: Iterable[Message]) -> list[Answer]:
    """Return the values of messages."""
    return [read(kind, message) for message in messages]


def read_page(kind: type[Answer], messages: Iterable[Message], next_cursor: str) -> Page[Answer]:
    """Return the values of one page of a list."""
    return Page(read_all(kind, messages), next_cursor)


@cache
def _takes_of(kind: type, message: type[Message]) -> Mapping[str, Take]:
    hints, there = get_type_hints(kind), frozenset(message.DESCRIPTOR.fields_by_name)
    return {one.name: _take(one.name, hints[one.name], there) for one in fields(kind)}


def _take(name: str, hint: Any, there: frozenset[str]) -> Take:
    if f"{name}_json" in there:
        return lambda message: parsed(getattr(message, f"{name}_json"))
    field = name.removesuffix("_")
    if get_origin(hint) in (Union, UnionType):
        (inner,) = (one for one in get_args(hint) if one is not NoneType)
        return lambda message: read(inner, getattr(message, field)) if message.HasField(field) else None
    if is_dataclass(hint):
        return lambda message: read(hint, getattr(message, field))  # type: ignore[arg-type]  # a type, not a value
    if get_origin(hint) is tuple:
        element = get_args(hint)[0]
        if is_dataclass(element):
            return lambda message: tuple(read_all(element, getattr(message, field)))  # type: ignore[arg-type]
        return lambda message: tuple(getattr(message, field))
    if hint in (str, int, bool):
        return lambda message: getattr(message, field)
    return lambda message: dict(getattr(message, field))


def parsed(text: str | bytes) -> Any:
    """Return the JSON value that a gateway answered, None for nothing; raise MalformedMessage for what is none."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise MalformedMessage("the gateway answers what is no JSON", hint="another gateway of the network") from None
