"""Bodies and parameters of the HTTP door, as far as they become the message of a call.

A body is one byte that says of which route, and JSON.
"""

from __future__ import annotations

import json
from random import Random

from proofgrid.doors.http.body import BODY_BYTES_MAX
from proofgrid.doors.http.messages import name_of, read_message, read_word, write_message
from proofgrid.doors.http.routes import ROUTES
from proofgrid.wire.codec.texts import read_json
from proofgrid.wire.fields import check_message
from tests.fuzz.calls import methods
from tests.fuzz.likely import filled
from tests.fuzz.mutating import mutated_bytes, mutated_json


def take_body(data: bytes) -> None:
    """Read a body as a route's message, and its fields as words of a query; write down what was read."""
    if not data:
        return
    route = ROUTES[data[0] % len(ROUTES)]
    value = read_json(data[1:].decode(errors="replace"), field="body", bytes_max=BODY_BYTES_MAX)
    if isinstance(value, dict):
        by_name = {name_of(field): field for field in route.asked.fields}
        words = [(name, text) for name, text in value.items() if name in by_name and isinstance(text, str)]
        read_message({**value, **{name: read_word(text, by_name[name]) for name, text in words}}, route.asked)
    message = read_message(value, route.asked)
    check_message(message)
    json.dumps(write_message(message))


def bodies() -> list[bytes]:
    """A body with every field, for each route."""
    asked = {method.name.rpartition(".")[2].replace("/", "."): method.message for method in methods()}
    made = []
    for number, route in enumerate(ROUTES):
        message = asked[route.call]()
        made.append(bytes([number]) + json.dumps(write_message(filled(message))).encode())
    return made


def mutated_body(data: bytes, chance: Random) -> bytes:
    """Change some values."""
    return data[:1] + mutated_json(data[1:], chance) if data and chance.randrange(50) else mutated_bytes(data, chance)
