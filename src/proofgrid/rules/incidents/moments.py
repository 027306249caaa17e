"""Moments as people and machines read them in messages: RFC 3339, UTC; pure, so rules need no clock for it."""

from __future__ import annotations

DAY_SECONDS = 86_400
ERA_DAYS = 146_097  #: of 400 years, after which days fall alike


def moment(at_ms: int) -> str:
    """Return '2026-11-29T15:40:12.345Z'."""
    days, second = divmod(at_ms // 1_000, DAY_SECONDS)
    year, month, day = _date(days)
    clock = f"{second // 3_600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{at_ms % 1_000:03d}"
    return f"{year:04d}-{month:02d}-{day:02d}T{clock}Z"


def _date(days: int) -> tuple[int, int, int]:
    """Return the date so many days after 1970-01-01. A year here begins with March: its leap day is last."""
    era, day_of_era = divmod(days + 719_468, ERA_DAYS)
    year = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    return year + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, day
