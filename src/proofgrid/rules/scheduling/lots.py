"""Which lane each prover is offered in: one per round, by lot, where most is wanted of what it may serve.

    admitted jobs of each lane:   narrow 4    wide 8
    provers in the order of lots: p1 -> wide, p2 -> narrow, p3 -> wide ...      2 slots of 3 go to the wide lane

A prover may serve several lanes and can be sold once. Drawn one by one, those with the fewest lanes first, each goes
where the jobs that bids are admitted for outnumber the slots that were drawn before it; a lot for each lane rounds up
or down, so that over many rounds every lane gets its share, however small. A prover goes with all its slots, so all
of them count; a job that is smaller than those of the wide lane counts for less than one.

What is read: sizes of jobs whose bids are at or above the lane's floor, free slots, exclusions, lots. A prover's own
ask never moves its lot, nor does anybody else's, as long as it asks no more than the ceiling in one of its lanes: who
cannot trade anywhere takes nobody's place. So no price is rewarded by a better lane (dara.md, section 7, points 2, 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofgrid.rules.jobs.classes import wide_lane_of
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.exclusion import JobCounts, jobs_for
from proofgrid.rules.scheduling.rank import RankHashes

LOT_PARTS = 1 << 16  #: into so many a slot is divided for rounding
JOB_PARTS = 1 << 10  #: into so many a job is divided where it is smaller than usual


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWanted:
    """A lane and the demands that its floor admits."""

    lane: str
    ceil: int
    admitted: Sequence[TaskDemand]
    counted_units: Sequence[int] = ()  #: of jobs of further bids, for one job each that every prover may run

    def counts(self) -> JobCounts:
        """Return how many of these jobs each prover may run."""
        return JobCounts(self.admitted, others=len(self.counted_units))

    def units_for(self, supplies: Sequence[ProverSupply]) -> list[int]:
        """Return the units of the jobs that at least one of these provers may run."""
        units = [job.units for jobs in jobs_for(self.admitted, supplies).values() for job in jobs]
        return [*units, *self.counted_units] if supplies else units


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverDraw:
    """One prover that was drawn for, and its lane."""

    prover_id: str
    lanes: tuple[tuple[str, int], ...]  #: lane, and the slots that it has, all of which come along
    drawn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Who is offered where."""

    wanted: Mapping[str, int]  #: lane -> its admitted jobs that somebody may run, in parts of a job
    provers: Sequence[ProverDraw]  #: in the order of their ids

    def lane_of(self) -> dict[str, str]:
        """Return the lane of every prover."""
        return {one.prover_id: one.drawn for one in self.provers}


def draw_lanes(
    lanes: Sequence[LaneWanted], provers: Sequence[Mapping[str, ProverSupply]], *, hashes: RankHashes
) -> Draw:
    """Draw a lane for every prover that can trade in one: it asks at most the ceiling there, and may run a job."""
    counts = {lane.lane: lane.counts() for lane in lanes}
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    able: dict[str, list[ProverSupply]] = {lane.lane: [] for lane in lanes}
    for supplies in provers:
        served = [
            (lane, supplies[lane.lane], counts[lane.lane].may_run(supplies[lane.lane].prover_id))
            for lane in lanes
            if lane.lane in supplies
        ]
        served = [(lane, supply, jobs) for lane, supply, jobs in served if jobs and supply.free_slots]
        if any(supply.ask_price <= lane.ceil for lane, supply, _ in served):
            found[served[0][1].prover_id] = tuple([(one.lane, it.free_slots) for one, it, _ in served])
            for lane, supply, _ in served:
                able[lane.lane].append(supply)
    units = {lane.lane: lane.units_for(able[lane.lane]) for lane in lanes}
    wanted = {lane: _wanted(jobs, units.get(wide_lane_of(lane), [])) for lane, jobs in units.items()}
    return Draw(wanted=wanted, provers=assign(found, wanted, hashes=hashes))


def _wanted(units: Sequence[int], units_of_wide: Sequence[int]) -> int:
    """Return how much is wanted in a lane: its jobs, each as far as it is as large as those of the wide lane are.

    A lane with constraints costs a prover a slot for a round, whatever is in it; were each job counted as one, a
    hundred jobs of one unit, which cost next to nothing, would draw all sellers out of the wide lane.
    """
    if not units or not units_of_wide or units is units_of_wide:
        return len(units) * JOB_PARTS
    usual = sorted(units_of_wide)[len(units_of_wide) // 2]  # the median: a single huge job moves no lot
    return max(1, sum([min(one, usual) for one in units]) * JOB_PARTS // usual)


def assign(
    provers: Mapping[str, tuple[tuple[str, int], ...]], wanted: Mapping[str, int], *, hashes: RankHashes
) -> list[ProverDraw]:
    """Draw a lane for each of the provers, given by id with their lanes and slots."""
    names = list(wanted)
    place_of = {lane: place for place, lane in enumerate(names)}
    in_turn = sorted(provers, key=lambda one: (len(provers[one]), hashes[f"{one} draws"]))
    placed = lanes_in_turn(
        [[(place_of[lane], slots) for lane, slots in provers[one]] for one in in_turn],
        list(wanted.values()),
        [rounding_lot(hashes, lane) for lane in names],
    )
    drawn = {one: names[place] for one, place in zip(in_turn, placed, strict=True)}
    return [ProverDraw(prover_id=one, lanes=provers[one], drawn=drawn[one]) for one in sorted(provers)]


def rounding_lot(hashes: RankHashes, lane: str) -> int:
    """Return the lot by which a lane's share of the slots is rounded up or down."""
    return int(hashes[f"lane {lane}"][:4], 16) + 1


def lanes_in_turn(
    provers: Iterable[Sequence[tuple[int, int]]], wanted: Sequence[int], rounding: Sequence[int]
) -> list[int]:
    """Return the lane of each prover, by its place; each comes with its lanes and slots."""
    parts = [0] * len(wanted)  #: of slots that were drawn
    drawn = []
    for best, *others in provers:
        for other in others:
            # Of two lanes that in which more is wanted for each slot that would be there then.
            here, there = [parts[lane] + slots * rounding[lane] for lane, slots in (best, other)]
            if wanted[other[0]] * here > wanted[best[0]] * there:
                best = other
        drawn.append(best[0])
        parts[best[0]] += best[1] * LOT_PARTS
    return drawn
