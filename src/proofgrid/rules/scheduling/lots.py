"""Which lane each prover is offered in: one per round, by lot, where most is wanted of what it may serve.

    admitted jobs of each lane:   narrow 4    wide 8
    provers in the order of lots: p1 -> wide, p2 -> narrow, p3 -> wide ...      2 slots of 3 go to the wide lane

A prover may serve several lanes and can be sold once. Drawn one by one, those with the fewest lanes first, each goes
where the jobs that bids are admitted for outnumber the slots that were drawn before it; a lot for each lane rounds up
or down, so that over many rounds every lane gets its share, however small.

What is read: jobs whose bids are at or above the lane's floor, free slots, exclusions, lots. A prover's own ask never
moves its lot, nor does anybody else's, as long as it asks no more than the ceiling in one of its lanes: who cannot
trade anywhere takes nobody's place. So no price is rewarded by a better lane (dara.md, section 7, points 2 and 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.exclusion import JobCounts, jobs_for
from proofgrid.rules.scheduling.rank import RankHashes

LOT_PARTS = 1 << 16  #: into so many a slot is divided for rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWanted:
    """A lane and the demands that its floor admits."""

    lane: str
    ceil: int
    admitted: Sequence[TaskDemand]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProverDraw:
    """One prover that was drawn for, and its lane."""

    prover_id: str
    lanes: tuple[tuple[str, int], ...]  #: lane, and the slots that it would bring there
    drawn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Who is offered where."""

    wanted: Mapping[str, int]  #: lane -> its admitted jobs that somebody may run
    provers: Sequence[ProverDraw]  #: in the order of their ids

    def lane_of(self) -> dict[str, str]:
        """Return the lane of every prover."""
        return {one.prover_id: one.drawn for one in self.provers}


def draw_lanes(
    lanes: Sequence[LaneWanted], provers: Sequence[Mapping[str, ProverSupply]], *, hashes: RankHashes
) -> Draw:
    """Draw a lane for every prover that can trade in one: it asks at most the ceiling there, and may run a job."""
    counts = {lane.lane: JobCounts(lane.admitted) for lane in lanes}
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
            found[served[0][1].prover_id] = tuple([(one.lane, min(it.free_slots, jobs)) for one, it, jobs in served])
            for lane, supply, _ in served:
                able[lane.lane].append(supply)
    wanted = {lane.lane: sum(len(jobs) for jobs in jobs_for(lane.admitted, able[lane.lane]).values()) for lane in lanes}
    return Draw(wanted=wanted, provers=assign(found, wanted, hashes=hashes))


def assign(
    provers: Mapping[str, tuple[tuple[str, int], ...]], wanted: Mapping[str, int], *, hashes: RankHashes
) -> list[ProverDraw]:
    """Draw a lane for each of the provers, given by id with the slots that they would bring to each of their lanes."""
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
    """Return the lane of each prover, by its place; each comes with the slots that it would bring to its lanes."""
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
