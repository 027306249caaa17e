"""Moments as people and machines read them in messages: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at_ms: int) -> str:
    """Return '2026-11-29T15:40:12.345Z'."""
    return f"{datetime.fromtimestamp(at_ms // 1_000, tz=UTC):%Y-%m-%dT%H:%M:%S}.{at_ms % 1_000:03d}Z"
