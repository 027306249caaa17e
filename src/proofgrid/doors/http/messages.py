"""Messages as JSON and back: the names of the protos, integers as numbers, bytes in base64, JSON inside JSON as JSON.

A field `inputs_json`, a text of JSON in a message, is `inputs` here and holds that JSON itself. What a message leaves
out has its default; a message that is not there is null.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import InvalidField, MalformedMessage

SUFFIX = "_json"  #: of texts that hold JSON
#: Texts of JSON that stay texts: what is signed or hashed is so as it is spelled.
SPELLED = frozenset({"transcript_json"})
_INTEGERS: Mapping[int, tuple[int, int]] = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}

_Write: TypeAlias = "Callable[[Message], object]"
_Read: TypeAlias = "Callable[[Json, str], object]"
_Fill: TypeAlias = "Callable[[Message, Json, str], None]"


def name_of(field: FieldDescriptor) -> str:
    """Return what a field is called in JSON."""
    return field.name.removesuffix(SUFFIX) if holds_json(field) else field.name


def holds_json(field: FieldDescriptor) -> bool:
    """Does a text hold JSON, which is JSON here?"""
    return field.type == FieldDescriptor.TYPE_STRING and field.name.endswith(SUFFIX) and field.name not in SPELLED


def is_map(field: FieldDescriptor) -> bool:
    """Is it an object with names of the caller's?"""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def may_be_null(field: FieldDescriptor) -> bool:
    """Can it be not there at all?"""
    return field.has_presence and not field.is_repeated


def integer_bounds(field: FieldDescriptor) -> tuple[int, int]:
    """Return the least and the most of an integer."""
    return _INTEGERS[field.type]


# --- out ------------------------------------------------------------------------------------------


def write_message(message: Message) -> dict[str, object]:
    """Return the JSON object of a message, with every field."""
    return {name: write(message) for name, write in _writers(message.DESCRIPTOR)}


@cache
def _writers(descriptor: Descriptor) -> list[tuple[str, _Write]]:
    return [(name_of(field), _writer(field)) for field in descriptor.fields]


def _writer(field: FieldDescriptor) -> _Write:
    name = field.name
    if is_map(field):
        return lambda message: {str(key): value for key, value in getattr(message, name).items()}
    write = _value_writer(field)
    if field.is_repeated:
        return lambda message: [write(one) for one in getattr(message, name)]
    if may_be_null(field):
        return lambda message: write(getattr(message, name)) if message.HasField(name) else None
    return lambda message: write(getattr(message, name))


def _value_writer(field: FieldDescriptor) -> Callable[[object], object]:
    if field.message_type is not None:
        return lambda value: write_message(cast(Message, value))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: base64.b64encode(cast(bytes, value)).decode()
    if holds_json(field):
        return lambda value: json.loads(cast(str, value)) if value else None
    return lambda value: value


# --- in -------------------------------------------------------------------------------------------


def read_message(value: Json, kind: Descriptor, *, inside: str = "") -> Message:
    """Return the message of a JSON object. Raises InvalidField, naming the field; `inside`: the one it stands in."""
    if not isinstance(value, dict):
        raise MalformedMessage("a JSON object", field=inside or "body")
    message: Message = GetMessageClass(kind)()
    readers = _readers(kind)
    for name, one in value.items():
        path = f"{inside}.{name}" if inside else name
        if name not in readers:
            raise InvalidField("there is no such field", field=path[:256], hint=f"fields: {', '.join(readers)}")
        readers[name](message, one, path)
    return message


@cache
def _readers(descriptor: Descriptor) -> Mapping[str, _Fill]:
    return {name_of(field): _reader(field) for field in descriptor.fields}


def _reader(field: FieldDescriptor) -> _Fill:
    """Return what fills a field of a message; it is given the field's JSON and its path."""
    name = field.name
    if is_map(field):
        return lambda message, value, path: getattr(message, name).update(_map(value, path))
    read = _value_reader(field)
    if field.is_repeated:
        return lambda message, value, path: getattr(message, name).extend(_list(value, path, read))
    is_optional = may_be_null(field)
    is_message = field.message_type is not None

    def fill(message: Message, value: Json, path: str) -> None:
        if value is None and is_optional:
            return
        if is_message:
            getattr(message, name).CopyFrom(read(value, path))
        else:
            setattr(message, name, read(value, path))

    return fill


def _list(value: Json, path: str, read: _Read) -> list[object]:
    if not isinstance(value, list):
        raise InvalidField("a list", field=path)
    return [read(one, f"{path}[{place}]") for place, one in enumerate(value)]


def _map(value: Json, path: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidField("an object", field=path)
    return {key: _text(one, f"{path}.{key}"[:256]) for key, one in value.items()}


def _value_reader(field: FieldDescriptor) -> _Read:
    kind = field.message_type
    if kind is not None:
        return lambda value, path: read_message(value, kind, inside=path)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return _boolean
    if field.type in _INTEGERS:
        least, most = _INTEGERS[field.type]
        return lambda value, path: _integer(value, path, least, most)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes
    if holds_json(field):
        return lambda value, path: json.dumps(value, separators=(",", ":"))  # as the SDK spells it: the same request
    return _text


def _boolean(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidField("true or false", field=path)
    return value


def _integer(value: Json, path: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidField(f"an integer from {least} to {most}", field=path)
    return value


def _text(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidField("a text", field=path)
    return value


def _bytes(value: Json, path: str) -> bytes:
    try:
        return base64.b64decode(_text(value, path), validate=True)
    except ValueError:
        raise InvalidField("bytes in base64", field=path) from None


# --- in, from paths and queries -------------------------------------------------------------------


def read_word(text: str, field: FieldDescriptor) -> Json:
    """Return the JSON value of a field that was spelled in a path or query. Raises InvalidField."""
    name = name_of(field)
    if field.type == FieldDescriptor.TYPE_BOOL:
        if text not in ("true", "false"):
            raise InvalidField("true or false", field=name)
        return text == "true"
    if field.type in _INTEGERS:
        least, most = _INTEGERS[field.type]
        if not text.isascii() or len(text) > 24 or not text.removeprefix("-").isdigit():
            raise InvalidField(f"an integer from {least} to {most}", field=name)
        return int(text)
    return text
