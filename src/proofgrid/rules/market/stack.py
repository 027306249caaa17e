"""One round of all lanes of a stack: every prover is offered in one of them, drawn by lot.

    sub/system/large/…   lanes with constraints: only the provers that they accept
    sub/system/large     everybody of the class
    sub/system/medium/…
    sub/system/medium    its own provers, and those of large
    sub/system/small

* A prover is offered in one lane per round: by lot where most is wanted of what it may serve (scheduling.lots), with
  what it asks there. Nothing comes down from lane to lane, so nothing that is traded in one moves another.
* Lanes with constraints take their limits from the wide lane of their class, and come back to its reference.
* Of lanes with constraints at most 32 of a class hold a round, drawn by lot.

Every lane then clears alone, and what decides where a prover is offered reads no price beyond the public limits; so
what makes the truth the best report in one lane makes it the best in the stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proofgrid.primitives.digests import Digest
from proofgrid.rules.jobs.classes import is_wide, wide_lane_of
from proofgrid.rules.market.counted import CountedBids, LoneBid, admitted_units
from proofgrid.rules.market.draw_record import DrawRecord, record_of
from proofgrid.rules.market.round_orders import admitted_demands, limits_of
from proofgrid.rules.market.rounds import RoundInputs, RoundOutcome, run_round
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.lots import Draw, LaneWanted, draw_lanes
from proofgrid.rules.scheduling.rank import RankHashes

CONSTRAINED_LANES_MAX = 32  #: of one class in one round, drawn by lot; the others come in later rounds

Supplies = Mapping[str, ProverSupply]  #: lane -> what one prover has for it; in every lane that it may serve


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDemands:
    """What waits in one lane, and where the lane's record stands."""

    lane: str
    number: int  #: of the round to be held
    previous: Digest | None
    reference: int | None
    demands: Sequence[TaskDemand]
    anchor: int | None = None  #: where the reference comes back to: of a wide lane the network's setting; None: of a
    #: lane with constraints the reference of the wide lane, if that is here
    backed: bool = False  #: jobs of the lane are being proven
    counted: Mapping[LoneBid, int] = field(default_factory=dict)  #: bids below every ask of who may serve the lane,
    #: with how often each is there; nobody of `demands` bids the same

    @property
    def limits(self) -> tuple[int, int]:
        """Floor and ceiling."""
        return limits_of(self.lane, reference=self.reference, anchor=self.anchor)


def run_stack(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], *, beacon: bytes) -> tuple[RoundOutcome, ...]:
    """Hold one round of every lane; `lanes` come in the order of `classes.lane_order`."""
    hashes = RankHashes(beacon)
    chosen = _chosen(anchored(lanes), hashes)
    if len(chosen) == 1:
        [lane] = chosen
        supplies = [supply[lane.lane] for supply in provers if lane.lane in supply]
        return (run_round(_inputs(lane, supplies, beacon, backed=lane.backed, draw=None)),)

    wanted = {lane.lane: _wanted(lane) for lane in chosen}
    draw = draw_lanes(list(wanted.values()), provers, hashes=hashes)
    given = _given(draw, provers)
    record = record_of(draw)
    return tuple(
        run_round(
            _inputs(
                lane,
                given.get(lane.lane, []),
                beacon,
                backed=lane.backed or _is_served(wanted[lane.lane], provers),
                draw=record if place == 0 else replace(record, table=None),
            )
        )
        for place, lane in enumerate(chosen)
    )


def anchored(lanes: Sequence[LaneDemands]) -> list[LaneDemands]:
    """Return the lanes with the anchors that they have from each other."""
    references = {lane.lane: lane.reference for lane in lanes}
    return [
        lane
        if is_wide(lane.lane) or lane.anchor is not None
        else replace(lane, anchor=references.get(wide_lane_of(lane.lane)))
        for lane in lanes
    ]


def _inputs(
    lane: LaneDemands, supplies: Sequence[ProverSupply], beacon: bytes, *, backed: bool, draw: DrawRecord | None
) -> RoundInputs:
    floor, ceil = lane.limits
    return RoundInputs(
        lane=lane.lane,
        number=lane.number,
        previous=lane.previous,
        beacon=beacon,
        reference=lane.reference,
        demands=lane.demands,
        supplies=supplies,
        anchor=lane.anchor,
        backed=backed,
        draw=draw,
        counted=CountedBids.of(lane.counted, floor=floor, ceil=ceil),
    )


def _wanted(lane: LaneDemands) -> LaneWanted:
    floor, ceil = lane.limits
    return LaneWanted(
        lane=lane.lane,
        ceil=ceil,
        admitted=admitted_demands(lane.demands, floor, ceil),
        counted_units=admitted_units(lane.counted, floor=floor, ceil=ceil),
    )


def _given(draw: Draw, provers: Sequence[Supplies]) -> dict[str, list[ProverSupply]]:
    lane_of = draw.lane_of()
    given: dict[str, list[ProverSupply]] = {}
    for supplies in provers:
        prover_id = next((supply.prover_id for supply in supplies.values()), "")
        lane = lane_of.get(prover_id)
        if lane is not None:
            given.setdefault(lane, []).append(supplies[lane])
    return given


def _is_served(lane: LaneWanted, provers: Sequence[Supplies]) -> bool:
    """Could some bid and some ask of the lane be admitted together, wherever the lots put the asks?"""
    counts = lane.counts()
    return any(
        supply.free_slots and supply.ask_price <= lane.ceil and counts.may_run(supply.prover_id)
        for supply in [supplies[lane.lane] for supplies in provers if lane.lane in supplies]
    )


def _chosen(lanes: Sequence[LaneDemands], hashes: RankHashes) -> list[LaneDemands]:
    """Return the lanes that hold a round."""
    drawn: dict[str, int] = {}
    out = set()
    for lane in sorted(lanes, key=lambda lane: hashes[lane.lane]):
        if not is_wide(lane.lane):
            wide = wide_lane_of(lane.lane)
            drawn[wide] = drawn.get(wide, 0) + 1
            if drawn[wide] > CONSTRAINED_LANES_MAX:
                out.add(lane.lane)
    return [lane for lane in lanes if lane.lane not in out]
