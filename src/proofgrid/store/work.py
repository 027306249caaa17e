"""What provers did with their leases: their speeds, how often they proved, and how long jobs of a lane usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.speed import SAMPLES_KEPT, WHOLE_PERMILLE, Speed, shown_permille
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy, Standing, stand_after
from proofgrid.store.connection import Connection
from proofgrid.store.hedges import StoppedRival
from proofgrid.store.queries import query
from proofgrid.store.settlement import WastedLease
from proofgrid.store.standing import ProverStanding, standing_columns, tell_paused

LANE_TIMES_KEPT = 128
POLICY = ReputationPolicy()
_SUMS = ("proofs", "failures", "units", "wall_ms")

LOCK_PROVERS = query("lock_provers", ProverStanding)
NOTE_WORK = query("note_work", None)


class LeaseDone(Protocol):
    """What of a lease's row counts for speeds."""

    @property
    def prover_id(self) -> str: ...
    @property
    def lane(self) -> str: ...
    @property
    def units(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A lease that ended, and what that says of its prover."""

    lease: LeaseDone
    ran_ms: int
    proofs: int = 0  #: 1, or 0 when it ended without one
    failures: int = 0  #: 1 when that was its prover's fault
    happened: Happened | None = None  #: what that says of its prover, if it says anything

    @property
    def is_usual(self) -> bool:
        """Does it tell how long jobs of its lane take? Those that were overtaken do: they are the slow ones."""
        return not self.failures


def shown_of(row: StoppedRival | WastedLease, *, delivered: bool = False) -> int:
    """Return how much of its work a lease without payment shows, per mille; its row comes with its prover's speed.

    A result that was reported, or `delivered` and found right, shows all of it.
    """
    return shown_permille(
        WHOLE_PERMILLE if delivered or row.reported_ms else row.permille,
        elapsed_ms=row.ran_ms,
        units=row.units,
        speed=Speed(units=row.speed_units, wall_ms=row.speed_wall_ms, samples=row.speed_samples),
    )


async def note_work(connection: Connection, works: Sequence[Work], policy: ReputationPolicy = POLICY) -> None:
    """Count what these leases did for their provers and lanes: two statements, whatever their number.

    A third one tells the provers that are paused by it, or resumed.
    """
    happened: dict[str, list[Happened]] = defaultdict(list)
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    times = []
    for work in works:
        lease = work.lease
        _, system, job_class = lease.lane.split("/")[:3]  # where bids carry constraints there is a fourth part
        one = sums[lease.prover_id, system, job_class]
        one[0] += work.proofs
        one[1] += work.failures
        one[2] += work.proofs * lease.units
        one[3] += max(1, work.ran_ms)  # a lease of no time at all would be infinitely fast
        if work.happened is not None:
            happened[lease.prover_id].append(work.happened)
        if work.is_usual:
            times.append((lease.lane, us_per_unit(lease.units, work.ran_ms)))
    # A statement of its own: one that locks rows and then changes them sees their versions from before the lock, and
    # two of those can wait for each other on the same row.
    rows = await connection.fetch(LOCK_PROVERS, prover_ids=sorted({prover_id for prover_id, _, _ in sums}))
    before: dict[str, Standing] = {row.prover_id: row.standing for row in rows}
    now_ms = max((row.now_ms for row in rows), default=0)
    stands = {
        prover_id: stand_after(standing, happened[prover_id], policy=policy, now_ms=now_ms)
        for prover_id, standing in before.items()
    }
    await connection.run(
        NOTE_WORK,
        **{name: [key[side] for key in sums] for side, name in enumerate(("prover_ids", "proof_systems", "classes"))},
        **{name: [one[side] for one in sums.values()] for side, name in enumerate(_SUMS)},
        samples_kept=SAMPLES_KEPT,
        lanes=[lane for lane, _ in times],
        us_per_unit=[us for _, us in times],
        times_kept=LANE_TIMES_KEPT,
        stands=list(stands),
        **standing_columns(list(stands.values())),
    )
    await tell_paused(connection, before, stands, now_ms=now_ms)
