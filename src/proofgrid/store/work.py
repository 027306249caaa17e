"""What provers did with their leases: their speeds, how often they proved, and how long jobs of a lane usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from proofgrid.primitives.ids import ProverId
from proofgrid.rules.jobs.hedging import us_per_unit
from proofgrid.rules.jobs.speed import SAMPLES_KEPT, WHOLE_PERMILLE, Speed, of_lease, shown_permille, sum_of
from proofgrid.rules.reputation.canaries import NEWCOMER_PROOFS
from proofgrid.rules.reputation.standing import Happened, ReputationPolicy, answer_for, stand_after
from proofgrid.store.connection import Connection
from proofgrid.store.hedges import StoppedRival
from proofgrid.store.reputation import LOCK_PROVERS, NEW_PROVERS_BESIDE, NOTE_STANDINGS, NOTE_WORK
from proofgrid.store.settlement import WastedLease
from proofgrid.store.standing import standing_columns, tell_paused

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
    operator_at_fault: bool = False  #: new provers of its operator answer for that too
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

    A third one tells the provers that are paused by it, or resumed; two more come where others answer for it too.
    """
    if not works:
        return
    shared = [work for work in works if work.operator_at_fault and work.happened is not None]
    beside = await _new_provers_beside(connection, shared) if shared else {}
    happened: dict[ProverId, list[Happened]] = defaultdict(list)
    speeds: dict[tuple[ProverId, str, str], Speed] = defaultdict(Speed)
    failures: dict[tuple[ProverId, str, str], int] = defaultdict(int)
    times = []
    for work in works:
        _, system, job_class = work.lane.split("/")[:3]  # where bids carry constraints there is a fourth part
        kind = work.prover_id, system, job_class
        speeds[kind] = sum_of(speeds[kind], of_lease(units=work.units, ran_ms=work.ran_ms, proofs=work.proofs))
        failures[kind] += work.failures
        if work.happened is not None:
            happened[work.prover_id].append(work.happened)
        if work.is_usual:
            times.append((work.lane, us_per_unit(work.units, work.ran_ms)))
    # A statement of its own: one that locks rows and then changes them sees their versions from before the lock, and
    # two of those can wait for each other on the same row.
    worked = {prover_id for prover_id, _, _ in speeds}
    rows = await connection.fetch(LOCK_PROVERS, provers=sorted(worked | beside.keys()))
    before = {row.prover_id: row.standing for row in rows}
    now_ms = max((row.now_ms for row in rows), default=0)
    stands = {
        prover_id: stand_after(standing, happened[prover_id], policy=policy, now_ms=now_ms)
        for prover_id, standing in before.items()
        if prover_id in worked
    }
    answering = {
        prover_id: answer_for(before[prover_id], faults, policy=policy, now_ms=now_ms)
        for prover_id, faults in beside.items()
        if prover_id in before and prover_id not in worked
    }
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
    )
    if answering:
        await connection.run(NOTE_STANDINGS, **standing_columns(answering))
    await tell_paused(connection, before, stands | answering, now_ms=now_ms)


async def _new_provers_beside(connection: Connection, works: Sequence[Work]) -> dict[ProverId, list[Happened]]:
    """Return the provers of the same operators that have no standing of their own yet, and what they answer for."""
    faults: dict[ProverId, list[Happened]] = defaultdict(list)
    for work in works:
        for other in await connection.fetch(NEW_PROVERS_BESIDE, prover_id=work.prover_id, proofs=NEWCOMER_PROOFS):
            if work.happened is not None:
                faults[other].append(work.happened)
    return faults
