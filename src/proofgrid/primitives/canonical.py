"""One JSON text per value, so that everybody who hashes it gets the same digest.

Keys sorted, no spaces, ASCII, and no floats: a float has more than one honest spelling.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias

#: A value that JSON knows. Floats are among them in what others send, never in what we hash.
Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

_PLAIN = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

canonical_text = encode_basestring_ascii  #: the canonical JSON of a text, for those who spell what is around it


def canonical_json(value: Any) -> bytes:
    """Return the one canonical JSON text of `value` (dict, list, str, int, bool, None; nested).

    Raises TypeError for floats and anything that JSON does not know.
    """
    _refuse_floats(value)
    return _ENCODER.encode(value).encode()


def canonical_list(spelled: Iterable[str]) -> str:
    """Return the canonical JSON of a list whose values are spelled already."""
    return f"[{','.join(spelled)}]"


def canonical_object(spelled: Mapping[str, str]) -> str:
    """Return the canonical JSON of an object whose values are spelled already."""
    return "{" + ",".join([f"{canonical_text(name)}:{text}" for name, text in sorted(spelled.items())]) + "}"


def _refuse_floats(value: Any) -> None:
    # Transcripts have a hundred thousand values and few containers: only these are looked into one by one.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            raise TypeError("canonical JSON holds no floats; use integers or strings")
        if isinstance(item, dict):
            if not _TEXT.issuperset(map(type, item)):
                _refuse_other_keys(item)
            inner: Iterable[Any] = item.values()
        elif isinstance(item, list | tuple):
            inner = item
        else:
            continue
        if not _PLAIN.issuperset(map(type, inner)):
            waiting.extend([one for one in inner if type(one) not in _PLAIN])


def _refuse_other_keys(item: Iterable[object]) -> None:
    for key in item:
        if not isinstance(key, str):
            raise TypeError(f"canonical JSON keys are strings, not {type(key).__name__}")
