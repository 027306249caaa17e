"""JSON out: fast, and the same bytes for the same value."""

from __future__ import annotations

from pydantic_core import to_json as _to_json


def to_json(value: object) -> bytes:
    """Return the JSON text of a value made of dicts, lists, texts, integers, booleans and None."""
    return _to_json(value)
