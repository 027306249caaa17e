"""What provers did with their leases: their speeds, how often they proved, and how long jobs of a lane usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.speed import SAMPLES_KEPT, WHOLE_PERMILLE, Speed, shown_permille
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy, stand_after
from proofgrid.store.queries import QUERIES
from proofgrid.store.standing import standing_columns, standing_of, tell_paused

LANE_TIMES_KEPT = 128
POLICY = ReputationPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A lease that ended."""

    lease: Any  #: its row
    ran_ms: int
    proofs: int = 0  #: 1, or 0 when it ended without one
    failures: int = 0  #: 1 when that was its prover's fault
    happened: Happened | None = None  #: what that says of its prover, if it says anything

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


async def note_work(connection: Any, works: Sequence[Work], policy: ReputationPolicy = POLICY) -> None:
    """Count what these leases did for their provers and lanes: two statements, whatever their number.

    A third one tells the provers that are paused by it, or resumed.
    """
    happened: dict[str, list[Happened]] = defaultdict(list)
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    times = []
    for work in works:
        lease = work.lease
        _, system, job_class = lease["lane"].split("/")[:3]  # where bids carry constraints there is a fourth part
        one = sums[lease["prover_id"], system, job_class]
        one[0] += work.proofs
        one[1] += work.failures
        one[2] += work.proofs * lease["units"]
        one[3] += max(1, work.ran_ms)  # a lease of no time at all would be infinitely fast
        if work.happened is not None:
            happened[lease["prover_id"]].append(work.happened)
        if work.is_usual:
            times.append((lease["lane"], us_per_unit(lease["units"], work.ran_ms)))
    # A statement of its own: one that locks rows and then changes them sees their versions from before the lock, and
    # two of those can wait for each other on the same row.
    rows = await connection.fetch(QUERIES["lock_provers"], sorted({prover_id for prover_id, _, _ in sums}))
    before = {row["prover_id"]: standing_of(row) for row in rows}
    now_ms = max((row["now_ms"] for row in rows), default=0)
    stands = {
        prover_id: stand_after(standing, happened[prover_id], policy=policy, now_ms=now_ms)
        for prover_id, standing in before.items()
    }
    await connection.execute(
        QUERIES["note_work"],
        *([key[side] for key in sums] for side in range(3)),
        *([one[side] for one in sums.values()] for side in range(4)),
        SAMPLES_KEPT,
        [lane for lane, _ in times],
        [us for _, us in times],
        LANE_TIMES_KEPT,
        list(stands),
        *standing_columns(list(stands.values())),
    )
    await tell_paused(connection, before, stands, now_ms=now_ms)
