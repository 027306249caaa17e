"""JSON out: fast, and the same bytes for the same value."""

from __future__ import annotations

import json

from pydantic_core import to_json as _to_json


def to_json(value: object) -> bytes:
    """Return the JSON text of a value made of dicts, lists, texts, integers, booleans and None, in ASCII.

    What others wrote may hold what a terminal acts on or an eye does not see: somebody looks at it with curl.
    """
    text = _to_json(value)
    return text if text.isascii() else json.dumps(value, separators=(",", ":")).encode()
