"""Messages as somebody would send them: each field holds what its name makes likely; and many behind each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from proofgrid.primitives.pages import spell_cursor
from proofgrid.rules.access.roles import Caller, Role
from tests.fuzz.mutating import mutated_message
from tests.makers import a_key

NOW_MS = 1_700_000_000_000
NETWORK, CALLER = a_key(1).address, Caller(a_key(2).address, frozenset(Role))
_LENGTH_BYTES = 2


def filled(message: Any, depth: int = 0) -> Any:
    """Fill every field of a message with something that its name makes likely."""
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _fill_map(message, field)
        elif field.message_type is not None:
            if depth < 4:
                inner = getattr(message, field.name)
                filled(inner.add() if field.is_repeated else inner, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).append(_likely(field))
        else:
            setattr(message, field.name, _likely(field))
    return message


def _fill_map(message: Any, field: FieldDescriptor) -> None:
    assert field.message_type is not None
    kinds = field.message_type.fields_by_name
    if kinds["key"].type != FieldDescriptor.TYPE_STRING:
        getattr(message, field.name)[3] = _likely(kinds["value"], within=field.name)
    elif kinds["value"].message_type is None:
        key = "f" * 64 if field.name == "manifests" else "small" if "class" in field.name else "key"
        getattr(message, field.name)[key] = _likely(kinds["value"], within=field.name)


_LIKELY: Sequence[tuple[str, str]] = (
    ("lease_id", "0198c0de-0000-7000-8000-000000000001"),
    ("task_id", "0198c0de-0000-7000-8000-000000000002"),
    ("key_id", "0011223344556677"),
    ("_id", "0198c0de-0000-7000-8000-000000000003"),
    ("deliver", "chain:0x52908400098527886E0F7030069857D2E4169EE7"),
    ("url", "https://server.example/webhooks"),
    ("cursor", spell_cursor("tasks", (NOW_MS, "0198c0de-0000-7000-8000-000000000002"))),
    ("tag", "env=prod"),
    ("digest", "f" * 64),
    ("cached_programs", "f" * 64),
    ("source", "f" * 64),
    ("address", CALLER.address),
    ("denied_operators", NETWORK),
    ("operator", CALLER.address),
    ("dropped_leases", "0198c0de-0000-7000-8000-000000000001"),
    ("owner", CALLER.address),
    ("audiences", CALLER.address),
    ("key", "one"),
    ("signature", "0x" + "1" * 128 + "1b"),
    ("inputs_json", '[{"a":1}]'),
    ("_json", "{}"),
    ("manifests", "{}"),
    ("lane", "default/toy@1/small"),
    ("role", "client"),
    ("class", "small"),
    ("state", "done"),
    ("path", "tile/0/000.p/1"),
    ("begins", "0198"),
    ("run", "0" * 32),
    ("engine", "toy@1"),
    ("proof_system", "graph"),
    ("confinement", "rules"),
    ("subnetwork", "default"),
    ("name", "alpha"),
)


_NUMBERS = {
    "memory_bytes": 1 << 30,
    "deadline_ms": NOW_MS + 60_000,
    "until_ms": NOW_MS,
    "every_ms": 5_000,
    "price_max": 1 << 20,
}


def _likely(field: FieldDescriptor, within: str = "") -> Any:
    if field.type == FieldDescriptor.TYPE_STRING:
        return next((text for part, text in _LIKELY if part in (within or field.name)), "text")
    if field.type == FieldDescriptor.TYPE_BYTES:
        return b"\x01\x02"
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return True
    return _NUMBERS.get(field.name, 3)


def piece(body: bytes) -> bytes:
    return len(body[:65_535]).to_bytes(_LENGTH_BYTES, "big") + body[:65_535]


def pieces(data: bytes) -> Iterator[bytes]:
    place = 0
    while place + _LENGTH_BYTES <= len(data):
        size = int.from_bytes(data[place : place + _LENGTH_BYTES], "big")
        place += _LENGTH_BYTES
        yield data[place : place + size]
        place += size


def mutated_messages(kind: Callable[[], Message], many: bool, body: bytes, chance: Random) -> bytes:
    """Change some fields of a message, or of one of many, or how often one stands there."""
    if not many:
        return mutated_message(kind, body, chance)
    found = list(pieces(body)) or [b""]
    place = chance.randrange(len(found))
    match chance.randrange(8):
        case 0:
            del found[place]
        case 1:
            found.insert(place, found[chance.randrange(len(found))])
        case _:
            found[place] = mutated_message(kind, found[place], chance)
    return b"".join(piece(one) for one in found[:8])
