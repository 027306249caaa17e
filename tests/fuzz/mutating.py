"""Small changes that a stranger could think of: of bytes, JSON, protobuf messages. Chance comes as an argument."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

INTEGERS: Sequence[int] = (
    *(0, 1, 2, -1, 7, 255, 256, 65_535, 1 << 16, (1 << 31) - 1, 1 << 31, -(1 << 31), (1 << 32) - 1, 1 << 32),
    *((1 << 53) - 1, 1 << 53, (1 << 63) - 1, 1 << 63, -(1 << 63), (1 << 64) - 1, 1 << 64, 10**30, 10**400, -(10**400)),
)
TEXTS: Sequence[str] = (
    *(
        "",
        " ",
        "0",
        "-1",
        "a",
        "A",
        "\0",
        "\n",
        "\x1b]52;c;",
        "\u202e",
        "e\u0301",
        "\ud800",
        "\U0001f600",
        "..",
        "../x",
    ),
    *("/", ".", "null", "NaN", "1e400", "0x", "0x" + "0" * 40, "0x" + "f" * 40, "0x" + "0" * 64, "0" * 64, "f" * 64),
    *("00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000001}", "default/toy/small", "auto"),
    *("toy", "ezkl", "default", "small", "[" * 200, "9" * 5_000, "x" * 5_000, "İ", "ß", "ﬀ", "٣", "a.b", "a.b[0]"),
)
FLOATS: Sequence[float] = (0.0, -0.0, 0.5, 1e308, 5e-324, float("inf"), float("nan"))
_BYTES: Sequence[bytes] = (
    b"\0",
    b"\xff",
    b"\n",
    b'"',
    b"[",
    b"]",
    b"{}",
    b",",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
)
STEPS_MAX = 4  #: changes at a time


def mutated_bytes(data: bytes, chance: Random) -> bytes:
    """Change a few bytes: flipped, replaced, left out, doubled, moved, cut."""
    made = bytearray(data)
    for _ in range(chance.randint(1, STEPS_MAX)):
        start = chance.randint(0, len(made))
        end = min(len(made), start + chance.choice((1, 1, 2, 4, 8, 64)))
        match chance.randrange(7):
            case 0 if start < len(made):
                made[start] ^= 1 << chance.randrange(8)
            case 1:
                made[start:end] = chance.randbytes(end - start)
            case 2:
                del made[start:end]
            case 3:
                made[start:start] = made[start:end]
            case 4:
                made[start:start] = chance.choice(_BYTES)
            case 5:
                number = chance.choice(INTEGERS) % (1 << 64)
                size = chance.choice((1, 2, 4, 8))
                made[start : start + size] = (number % (1 << 8 * size)).to_bytes(size, chance.choice(("little", "big")))
            case _:
                del made[start + chance.choice((0, 0, 64, 1_000)) :]
    return bytes(made)


def with_words(words: Sequence[bytes]) -> Callable[[bytes, Random], bytes]:
    """Return what changes bytes as `mutated_bytes` does, and now and then puts one of the words somewhere."""

    def mutated(data: bytes, chance: Random) -> bytes:
        if chance.randrange(3):
            return mutated_bytes(data, chance)
        word, start = chance.choice(words), chance.randint(0, len(data))
        end = start + (len(word) if chance.randrange(2) else 0)
        return data[:start] + word + data[end:]

    return mutated


def mutated_json(data: bytes, chance: Random) -> bytes:
    """Change a few values of a JSON text; of what is none, and now and then, its bytes."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutated_bytes(data, chance)
    for _ in range(chance.randint(1, STEPS_MAX)):
        value = _changed(value, chance)
    made = json.dumps(value).encode()
    return mutated_bytes(made, chance) if chance.randrange(20) == 0 else made


def any_value(chance: Random) -> Any:
    """Return some value that JSON knows, or spells although it does not."""
    return chance.choice(
        (
            None,
            True,
            False,
            [],
            {},
            [[]],
            {"": None},
            chance.choice(INTEGERS),
            chance.choice(TEXTS),
            chance.choice(FLOATS),
        )
    )


def _changed(value: Any, chance: Random) -> Any:
    """Return `value` with one place in it changed; the places are looked for from the top."""
    if isinstance(value, dict) and value and chance.randrange(8):
        return _changed_object(value, chance)
    if isinstance(value, list) and value and chance.randrange(8):
        return _changed_list(value, chance)
    if isinstance(value, str) and value and chance.randrange(2):
        return _changed_text(value, chance)
    if isinstance(value, int) and not isinstance(value, bool) and chance.randrange(2):
        return value + chance.choice((1, -1, 2, 1_000, -1_000, -2 * value, value))
    return any_value(chance)


def _changed_object(value: dict[str, Any], chance: Random) -> dict[str, Any]:
    name = chance.choice(sorted(value))
    match chance.randrange(10):
        case 0:
            return {one: inner for one, inner in value.items() if one != name}
        case 1:
            return {**value, chance.choice(TEXTS): any_value(chance)}
        case 2:
            return {**value, name: value[chance.choice(sorted(value))]}
        case 3:
            return {(chance.choice(TEXTS) if one == name else one): inner for one, inner in value.items()}
        case _:
            return {**value, name: _changed(value[name], chance)}


def _changed_list(value: list[Any], chance: Random) -> list[Any]:
    place = chance.randrange(len(value))
    match chance.randrange(10):
        case 0:
            return value[:place] + value[place + 1 :]
        case 1:
            return [*value[:place], value[place], *value[place:]]
        case 2:
            return value * 2 if len(value) < 64 else value[:1]
        case 3:
            return chance.sample(value, len(value))
        case _:
            return [*value[:place], _changed(value[place], chance), *value[place + 1 :]]


def _changed_text(value: str, chance: Random) -> str:
    # Texts in texts: claims, facts and public values are JSON again.
    if value[0] in "[{" and chance.randrange(4):
        return mutated_json(value.encode(errors="replace"), chance).decode(errors="replace")
    place = chance.randrange(len(value))
    return chance.choice(
        (
            value[:place] + chance.choice(TEXTS)[:64] + value[place:],
            value[:place],
            value[place:],
            value.upper(),
            value + value,
            value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :],
        )
    )


# --- protobuf -------------------------------------------------------------------------------------


def mutated_message(kind: Callable[[], Message], data: bytes, chance: Random) -> bytes:
    """Change a few fields of a message; of what is none, and now and then, its bytes."""
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return mutated_bytes(data, chance)
    for _ in range(chance.randint(1, STEPS_MAX)):
        change_field(message, chance)
    made = message.SerializeToString()
    return mutated_bytes(made, chance) if chance.randrange(20) == 0 else made


def change_field(message: Message, chance: Random) -> None:
    """Set, clear, repeat or change one field of a message, or of one inside of it."""
    fields: Any = message.DESCRIPTOR.fields
    if not fields:
        return
    field: FieldDescriptor = chance.choice(fields)
    if chance.randrange(6) == 0:
        message.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        _change_map(message, field, chance)
    elif field.is_repeated:
        _change_repeated(message, field, chance)
    elif field.message_type is not None:
        inner = getattr(message, field.name)
        inner.SetInParent()
        change_field(inner, chance)
    else:
        setattr(message, field.name, _other(field, getattr(message, field.name), chance))


def _change_map(message: Message, field: FieldDescriptor, chance: Random) -> None:
    assert field.message_type is not None
    inner, kinds = getattr(message, field.name), field.message_type.fields_by_name
    key = _other(kinds["key"], _zero(kinds["key"]), chance)
    if kinds["value"].message_type is not None:
        change_field(inner[key], chance)
    else:
        inner[key] = _other(kinds["value"], kinds["value"].default_value, chance)


def _change_repeated(message: Message, field: FieldDescriptor, chance: Random) -> None:
    values = getattr(message, field.name)
    if len(values) and chance.randrange(3) == 0:
        del values[chance.randrange(len(values))]
    elif field.message_type is not None:
        change_field(chance.choice(values) if len(values) and chance.randrange(2) else values.add(), chance)
    else:
        known = values[chance.randrange(len(values))] if len(values) else field.default_value or _zero(field)
        made = [_other(field, known, chance)] * chance.choice((1, 1, 1, 2, 70))
        values.extend(made)


def _zero(field: FieldDescriptor) -> Any:
    return {FieldDescriptor.CPPTYPE_STRING: b"" if field.type == FieldDescriptor.TYPE_BYTES else ""}.get(
        field.cpp_type, 0
    )


_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}


def _other(field: FieldDescriptor, value: Any, chance: Random) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return mutated_bytes(value, chance)
    if field.type == FieldDescriptor.TYPE_STRING:
        if isinstance(value, bytes):  # what is no UTF-8, in messages of the older syntax
            value = value.decode(errors="replace")
        text = _changed_text(value, chance) if value and chance.randrange(2) else chance.choice(TEXTS)
        return text.encode(errors="ignore").decode()
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return not value
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None
        return chance.choice(list(field.enum_type.values)).number
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return chance.choice(FLOATS)
    least, most = _RANGES[field.cpp_type]
    return min(max(chance.choice((*INTEGERS, value + 1, value - 1)), least), most)
