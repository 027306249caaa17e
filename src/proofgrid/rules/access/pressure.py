"""The submission window, how many a gateway works on at once: one law, from how late its parts come.

    lateness of each part / its bound --the worst--> pressure, 1000 is at the bound
    every tenth of a second: log window -= 0.02 (pressure - 1) + 1.5 (pressure - pressure before)

A proportional-integral controller on delay, as PIE has it (RFC 8033, 4.2), on the logarithm of a window. What waits is
an integral already, so what counts is the change of the pressure: shrinking and growing by the pressure alone swings
between nothing and too much (tests/rules/access/test_pressure.py has the model). A window below one: one submission
at a time with a pause behind it, so long that it is the window's share of the time. It never closes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WHOLE_PERMILLE = 1_000


class Part(StrEnum):
    """What of a gateway may come late."""

    LOOP = "loop"  #: its event loop
    CONNECTIONS = "connections"  #: who waits for a connection to the database
    WORKERS = "workers"  #: calls that wait for a worker process
    ROUNDS = "rounds"  #: stacks in which something changed, until their round: jobs wait although capacity is free
    RESULTS = "results"  #: results until they are verified and paid
    SEALING = "sealing"  #: proven tasks that nobody seals yet


#: How late each part may be before less is let in; what is less urgent may be later.
BOUNDS_MS: dict[Part, int] = {
    Part.LOOP: 150,
    Part.CONNECTIONS: 250,
    Part.WORKERS: 500,
    Part.ROUNDS: 750,
    Part.RESULTS: 5_000,  # some of it is verification itself
    Part.SEALING: 2_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPolicy:
    """Within which bounds the window moves, in thousandths of a submission, and by how much at each look."""

    least_milli: int = 50
    most_milli: int = 32_000
    pause_most_ms: int = 1_000
    by_pressure: float = 0.02
    by_change: float = 1.5
    pressure_most_permille: int = 3_000  #: more than that counts as that


def worst_of(late_ms: Mapping[Part, int]) -> tuple[Part | None, int]:
    """Return the part that is latest against its bound, and the pressure in 1/1000; None and 0 if nothing is late."""
    pressures = {part: max(0, ms) * WHOLE_PERMILLE // BOUNDS_MS[part] for part, ms in late_ms.items()}
    worst = max(pressures, key=lambda part: pressures[part], default=None)
    return (worst, pressures[worst]) if worst is not None and pressures[worst] else (None, 0)


def window_after(window_milli: int, pressure_permille: int, before_permille: int, policy: WindowPolicy) -> int:
    """Return the window after a look at the pressure, which was `before_permille` at the look before."""
    now = min(pressure_permille, policy.pressure_most_permille) / WHOLE_PERMILLE
    before = min(before_permille, policy.pressure_most_permille) / WHOLE_PERMILLE
    moved = window_milli * math.exp(-policy.by_pressure * (now - 1) - policy.by_change * (now - before))
    return min(max(round(moved), policy.least_milli), policy.most_milli)


def pause_ms(window_milli: int, worked_ms: int, policy: WindowPolicy) -> int:
    """Return how long nothing is let in behind a submission that took `worked_ms`; 0 for windows of one or more."""
    if window_milli >= WHOLE_PERMILLE:
        return 0
    return min(worked_ms * (WHOLE_PERMILLE - window_milli) // window_milli, policy.pause_most_ms)
