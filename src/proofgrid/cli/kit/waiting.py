"""Says why jobs wait, those with the same reason together, and what their client can do about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proofgrid.sdk.answers.work import Waiting


def waiting_lines(jobs: Iterable[tuple[int, Waiting]]) -> list[str]:
    """Return one line for each reason, of (slice, why it waits)."""
    by_reason: dict[str, list[tuple[int, Waiting]]] = {}
    for one in jobs:
        by_reason.setdefault(one[1].reason, []).append(one)
    return [_line(of_reason) for of_reason in by_reason.values()]


def _line(jobs: list[tuple[int, Waiting]]) -> str:
    slice_index, waiting = jobs[0]
    who = f"slice {slice_index} waits" if len(jobs) == 1 else f"{len(jobs)} jobs wait"
    todo = waiting.what_to_do()
    return f"{who}: {waiting.sentence()}" + (f". What you can do: {todo}" if todo else "")
