"""One JSON text per value, so that everybody who hashes it gets the same digest.

Keys sorted, no spaces, ASCII, and no floats: a float has more than one honest spelling.
"""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return the one canonical JSON text of `value` (dict, list, str, int, bool, None; nested).

    Raises TypeError for floats and anything that JSON does not know.
    """
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _refuse_floats(value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is str or type(item) is int:
            continue  # most of all
        if isinstance(item, float):
            raise TypeError("canonical JSON holds no floats; use integers or strings")
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str):
                    raise TypeError(f"canonical JSON keys are strings, not {type(key).__name__}")
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
