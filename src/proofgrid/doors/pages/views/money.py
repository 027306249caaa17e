"""What limits a visitor, and how much of it is used, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.doors.pages.words import count, size
from proofgrid.roles.intake.quota import Quota, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """How much of something there is. `limit` 0: there is none."""

    what: str
    used: int
    limit: int
    used_text: str
    limit_text: str


def limit_lines(quota: Quota) -> Sequence[LimitLine]:
    """Return the limits in the order of how often people meet them."""
    return [
        _line("Open tasks", quota.open_tasks),
        _line("Programs", quota.programs),
        _line("Stored", quota.stored_bytes, is_bytes=True),
        _line("API keys", quota.api_keys),
        _line("Webhooks", quota.webhooks),
        _line("Programs being built, at this gateway", quota.builds),
        _line("Calls at once, at this gateway", quota.calls),
    ]


def _line(what: str, use: Use, *, is_bytes: bool = False) -> LimitLine:
    spell = size if is_bytes else count
    return LimitLine(
        what=what,
        used=use.used,
        limit=use.limit,
        used_text=spell(use.used),
        limit_text=spell(use.limit) if use.limit else "",
    )
