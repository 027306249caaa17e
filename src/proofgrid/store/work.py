"""What provers did with their leases: their speeds, how often they proved, and how long jobs of a lane usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.speed import SAMPLES_KEPT, WHOLE_PERMILLE, Speed, shown_permille
from proofgrid.store.queries import QUERIES

LANE_TIMES_KEPT = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A lease that ended."""

    lease: Any  #: its row
    ran_ms: int
    proofs: int = 0  #: 1, or 0 when it ended without one
    failures: int = 0  #: 1 when that was its prover's fault

    @property
    def is_usual(self) -> bool:
        """Does it tell how long jobs of its lane take? Those that were overtaken do: they are the slow ones."""
        return not self.failures


def shown_of(row: Any, *, delivered: bool = False) -> int:
    """Return how much of its work a lease without payment shows, per mille; its row comes with its prover's speed.

    A result that was reported, or `delivered` and found right, shows all of it.
    """
    return shown_permille(
        WHOLE_PERMILLE if delivered or row["reported_ms"] else row["permille"],
        elapsed_ms=row["ran_ms"],
        units=row["units"],
        speed=Speed(units=row["speed_units"], wall_ms=row["speed_wall_ms"], samples=row["speed_samples"]),
    )


async def note_work(connection: Any, works: Sequence[Work]) -> None:
    """Count what these leases did for their provers and lanes: two statements, whatever their number."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    times = []
    for work in works:
        lease = work.lease
        _, system, job_class = lease["lane"].split("/")
        one = sums[lease["prover_id"], system, job_class]
        one[0] += work.proofs
        one[1] += work.failures
        one[2] += work.proofs * lease["units"]
        one[3] += max(1, work.ran_ms)  # a lease of no time at all would be infinitely fast
        if work.is_usual:
            times.append((lease["lane"], us_per_unit(lease["units"], work.ran_ms)))
    # A statement of its own: one that locks rows and then changes them sees their versions from before the lock, and
    # two of those can wait for each other on the same row.
    await connection.fetch(QUERIES["lock_provers"], sorted({prover_id for prover_id, _, _ in sums}))
    await connection.execute(
        QUERIES["note_work"],
        *([key[side] for key in sums] for side in range(3)),
        *([one[side] for one in sums.values()] for side in range(4)),
        SAMPLES_KEPT,
        [lane for lane, _ in times],
        [us for _, us in times],
        LANE_TIMES_KEPT,
    )
