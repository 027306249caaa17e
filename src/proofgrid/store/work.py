"""What provers did with their leases: their speeds, how often they proved, and how long jobs of a lane usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.speed import SAMPLES_KEPT, WHOLE_PERMILLE, Speed, of_leases, shown_permille, sum_of
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy, Standing, operator_after, stand_after
from proofgrid.store.connection import Connection
from proofgrid.store.hedges import StoppedRival
from proofgrid.store.reputation import LOCK_PROVERS, NOTE_WORK, Standings
from proofgrid.store.settlement import WastedLease
from proofgrid.store.standing import operator_columns, standing_columns, tell_paused

LANE_TIMES_KEPT = 128
POLICY = ReputationPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A lease that ended."""

    prover_id: ProverId
    lane: str
    units: int
    ran_ms: int
    proofs: int = 0  #: 1, or 0 when it ended without one
    failures: int = 0  #: 1 when that was its prover's fault
    happened: Happened | None = None  #: what that says of its prover, if it says anything
    late: bool = False  #: its proof came after it had been taken back

    @property
    def is_usual(self) -> bool:
        """Does it tell how long jobs of its lane take? Those that were overtaken do: they are the slow ones."""
        return not (self.failures or self.late)


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
    if not works:
        return
    happened: dict[ProverId, list[Happened]] = defaultdict(list)
    by_kind: dict[tuple[ProverId, str], list[Work]] = defaultdict(list)
    for work in works:
        by_kind[work.prover_id, work.lane].append(work)
        if work.happened is not None:
            happened[work.prover_id].append(work.happened)
    speeds: dict[tuple[ProverId, str, str], Speed] = defaultdict(Speed)
    failures: dict[tuple[ProverId, str, str], int] = defaultdict(int)
    for (prover_id, lane), ones in by_kind.items():
        _, system, job_class = lane.split("/")[:3]  # where bids carry constraints there is a fourth part
        kind = prover_id, system, job_class
        speeds[kind] = sum_of(speeds[kind], of_leases([(one.units, one.ran_ms, one.proofs) for one in ones]))
        failures[kind] += sum(one.failures for one in ones)
    times = [(work.lane, us_per_unit(work.units, work.ran_ms)) for work in works if work.is_usual]
    # A statement of its own: one that locks rows and then changes them sees their versions from before the lock, and
    # two of those can wait for each other on the same row.
    rows = await connection.fetch(LOCK_PROVERS, provers=sorted({prover_id for prover_id, _, _ in speeds}))
    now_ms = max((row.now_ms for row in rows), default=0)
    stands, owners = _after(rows, happened, policy, now_ms=now_ms)
    provers, systems, classes = zip(*speeds, strict=True)
    await connection.run(
        NOTE_WORK,
        provers=provers,
        systems=systems,
        classes=classes,
        proofs=[speed.samples for speed in speeds.values()],
        failures=list(failures.values()),
        units=[speed.units for speed in speeds.values()],
        wall_ms=[speed.wall_ms for speed in speeds.values()],
        samples_kept=SAMPLES_KEPT,
        lanes=[lane for lane, _ in times],
        us_per_unit=[us for _, us in times],
        times_kept=LANE_TIMES_KEPT,
        **standing_columns(stands),
        **operator_columns(owners),
    )
    before = {str(row.prover_id): row.standing for row in rows}
    after = {str(name): stand for name, stand in (*owners.items(), *stands.items())}
    await tell_paused(connection, before, after, now_ms=now_ms)


def _after(
    rows: Sequence[Standings], happened: Mapping[ProverId, Sequence[Happened]], policy: ReputationPolicy, *, now_ms: int
) -> tuple[dict[ProverId, Standing], dict[Address, Standing]]:
    """Return how the provers stand after what happened, and the operators for whom that says something."""
    provers = {row.prover_id: row for row in rows if row.jobs_proven is not None}
    stands = {
        prover_id: stand_after(row.standing, happened.get(prover_id, ()), policy=policy, now_ms=now_ms)
        for prover_id, row in provers.items()
    }
    all_of: dict[Address, list[Happened]] = defaultdict(list)
    of_new: dict[Address, list[Happened]] = defaultdict(list)
    for prover_id, facts in happened.items():
        row = provers[prover_id]
        (of_new if row.is_new else all_of)[row.operator] += facts
    owners = {
        row.operator: operator_after(
            row.standing, all_of[row.operator], of_new=of_new[row.operator], policy=policy, now_ms=now_ms
        )
        for row in rows
        if row.jobs_proven is None and (all_of[row.operator] or of_new[row.operator])
    }
    return stands, owners
