"""How many submissions a gateway works on at once: one law, from how late its parts come.

    lateness of each part / its bound --the worst--> pressure, 1000 is at the bound
    at the bound or above:  the window shrinks by a tenth, three tenths at twice the bound
    below four fifths of it: the window grows by a twentieth, by a half of one at least

Additive increase, multiplicative decrease (Chiu and Jain 1989) on delays, as of TCP Vegas. The window never closes: one
submission at a time is always worked on, and that one feels the lateness of everything else, so it slows itself down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WHOLE_PERMILLE = 1_000
CALM_PERMILLE = 800


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
    Part.RESULTS: 2_000,
    Part.SEALING: 2_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPolicy:
    """Within which bounds the window moves, in thousandths of a submission, and by how much at each look."""

    least_milli: int = 1_000
    most_milli: int = 64_000
    grow_milli: int = 500
    grow_permille: int = 50
    shrink_permille: int = 100
    shrink_more_permille: int = 300  #: at twice the bound


def worst_of(late_ms: Mapping[Part, int]) -> tuple[Part | None, int]:
    """Return the part that is latest against its bound, and the pressure in 1/1000; None and 0 if nothing is late."""
    pressures = {part: max(0, ms) * WHOLE_PERMILLE // BOUNDS_MS[part] for part, ms in late_ms.items()}
    worst = max(pressures, key=lambda part: pressures[part], default=None)
    return (worst, pressures[worst]) if worst is not None and pressures[worst] else (None, 0)


def window_after(window_milli: int, pressure_permille: int, policy: WindowPolicy) -> int:
    """Return the window after a look at the pressure; between four fifths of the bound and the bound it stays."""
    if pressure_permille >= WHOLE_PERMILLE:
        is_more = pressure_permille >= 2 * WHOLE_PERMILLE
        by = policy.shrink_more_permille if is_more else policy.shrink_permille
        window_milli -= window_milli * by // WHOLE_PERMILLE
    elif pressure_permille < CALM_PERMILLE:
        window_milli += max(policy.grow_milli, window_milli * policy.grow_permille // WHOLE_PERMILLE)
    return min(max(window_milli, policy.least_milli), policy.most_milli)
