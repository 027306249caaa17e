"""What of a lease's progress is told in its task's timeline: what is new, and so much of it and no more.

A prover may say as often as it likes how far it is; each event is a row for ever, and is sent to all who watch.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP_PERMILLE = 10  #: of the same stage, progress by less is not told
EVENTS_MAX = 256  #: of one lease


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a lease's progress."""

    stage: str = ""
    permille: int = 0
    events: int = 0


def after_telling(before: Told, stage: str, permille: int) -> Told | None:
    """Return what was told once this is; None: it is not told."""
    if before.events >= EVENTS_MAX:
        return None
    if before.events and stage == before.stage and permille < before.permille + STEP_PERMILLE:
        return None
    return Told(stage, permille, before.events + 1)
