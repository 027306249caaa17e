"""The history of a run: one row per round and lane, and totals; a report is made of nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: time, lane, reference, buy price, sell price, units traded, bids, asks, waiting jobs after the round
LaneRow = tuple[int, int, int, int, int, int, int, int, int]


@dataclass(slots=True)
class History:
    """The rounds of one run."""

    rounds: int = 0
    two_sided: int = 0
    checks: int = 0  #: how often all accounts were added up
    lanes: list[LaneRow] = field(default_factory=list)
    utilisation: list[tuple[int, list[float]]] = field(default_factory=list)
    treasury: list[tuple[int, int]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)  #: of leases
    endings: Counter[str] = field(default_factory=Counter)  #: of jobs
    windows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    #: round, lane, bids, asks, welfare, best possible welfare
    attacks: int = 0
    attacker_paid: int = 0
