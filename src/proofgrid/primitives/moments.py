"""Moments as people and standards spell them (RFC 3339), and as milliseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from proofgrid.primitives.errors import InvalidField

_SPELLING = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def moment_text(at_ms: int) -> str:
    """Return a moment in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_moment(text: str, *, field: str) -> int:
    """Return the milliseconds of a moment. Raises InvalidField."""
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise InvalidField("a moment is like 2026-11-29T16:00:00Z", field=field)
    fraction = found.group(1) or ""
    try:
        whole = datetime.fromisoformat(text.upper().replace(fraction, "", 1) if fraction else text.upper())
        return int(whole.timestamp()) * 1_000 + int(f"{fraction[1:]:0<3}"[:3])
    except (ValueError, OverflowError):
        raise InvalidField("there is no such moment", field=field) from None
