"""How much somebody has of what is limited."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.store.queries import query


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one owner, as the database counts it."""

    stored_bytes: int
    programs: int
    open_tasks: int
    api_keys: int
    webhooks: int
    now_ms: int


USAGE_OF = query("usage_of", Usage)
OPEN_TASKS_OF = query("open_tasks_of", int)
