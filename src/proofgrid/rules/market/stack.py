"""One round of all lanes of a stack: what a demanding lane leaves unsold serves the lighter lanes below it.

    sub/system/large/…   lanes with constraints: only the provers that they accept
    sub/system/large     everybody of the class, and what those lanes left
    sub/system/medium/…
    sub/system/medium    its own provers, and what large left unsold, at the same ask
    sub/system/small

Rules (dara.md, section 1, "Classes"), on slots instead of units, because a slot that runs no large job can run one
small job, not a thousand:

* A prover enters natively in the first of its lanes that has bids at all, and comes down with the slots that its jobs
  leave whole. Of several lanes with constraints in one class it is offered in one, by lot.
* A prover whose asks differ by class is offered at one of them, drawn by lot, in the lanes where it asks that.
* Who left a lane for its price is out of all later ones. Who stayed is paid at most the least price of its lanes.
* A lane's floor is at least the reference of the lane below, if they share provers.

Which lanes have bids, sizes, lots and who is still in decide; no ask that still trades does. So the truth stays best.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proofgrid.primitives.digests import Digest
from proofgrid.rules.jobs.classes import is_wide, wide_lane_of
from proofgrid.rules.market.rounds import RoundInputs, RoundOutcome, run_round, unsold_slots
from proofgrid.rules.market.transcript import Transcript
from proofgrid.rules.market.transcript_reading import TranscriptMismatch
from proofgrid.rules.scheduling.demand_and_supply import Carried, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes

CONSTRAINED_LANES_MAX = 32  #: of one class in one round, drawn by lot; the others come in later rounds

Supplies = Mapping[str, ProverSupply]  #: lane -> what one prover has for it, as a native; in every lane it may serve


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDemands:
    """What waits in one lane, and where the lane's record stands."""

    lane: str
    number: int  #: of the round to be held
    previous: Digest | None
    reference: int | None
    demands: Sequence[TaskDemand]


def run_stack(lanes: Sequence[LaneDemands], provers: Sequence[Supplies], *, beacon: bytes) -> tuple[RoundOutcome, ...]:
    """Hold one round of every lane; `lanes` have demands and come in the order of `classes.lane_order`."""
    hashes = RankHashes(beacon)
    chosen = _chosen(lanes, hashes)
    descents = [_Descent(_path(supplies, chosen, hashes)) for supplies in provers]
    outcomes = []
    for place, lane in enumerate(chosen):
        here = [(one, one.supply(lane.lane)) for one in descents if one.enters(lane.lane)]
        outcome = run_round(
            RoundInputs(
                lane=lane.lane,
                number=lane.number,
                previous=lane.previous,
                beacon=beacon,
                reference=lane.reference,
                demands=lane.demands,
                supplies=[supply for _, supply in here],
                floor_least=_floor_least(chosen[place + 1 :], [one for one, _ in here]),
            )
        )
        for one, supply in here:
            one.after(supply, outcome)
        outcomes.append(outcome)
    return tuple(outcomes)


Left = Mapping[str, tuple[int, int, int]]  #: what a round left: order id -> slots, ask, the most it may be paid below


def left_of(transcript: Transcript) -> Left:
    """Return what a round that was replayed left to the lanes below."""
    result = transcript["result"]
    asks = {ask["prover_id"]: ask for ask in transcript["asks"]}
    used: dict[str, int] = defaultdict(int)
    for placed in result["placements"]:
        used[placed[2]] += placed[3]
    left = {}
    for prover_id, _ in result["still_in"]:
        ask = asks[prover_id]
        carried = ask["carried"]
        price = result["sell_price"] if carried is None else min(result["sell_price"], carried["price_max"])
        slots = unsold_slots(ask["free_slots"], units=ask["units"], used=used[prover_id])
        left[prover_id] = (slots, ask["ask_price"], price)
    return left


def check_carried(lane: str, number: int, left: Left, lower: Transcript) -> None:
    """Compare what a lane's transcript says was carried from a round above with what that round left.

    Both have been replayed. Raises TranscriptMismatch naming the first ask that the lane above did not leave like that.
    """
    for group in ("asks", "absent"):
        for place, ask in enumerate(lower[group]):
            carried = ask["carried"]
            if carried is None or (carried["lane"], carried["number"]) != (lane, number):
                continue
            if left.get(ask["prover_id"]) != (ask["free_slots"], ask["ask_price"], carried["price_max"]):
                raise TranscriptMismatch("the lane above did not leave this capacity", field=f"{group}[{place}]")


class _Descent:
    """One prover on its way down the lanes, and what became of it so far."""

    def __init__(self, path: Supplies) -> None:
        self.path = path
        self._is_out = False
        self._left: tuple[int, int, Carried] | None = None  #: slots, ask, and where from; None: all is there still

    def enters(self, lane: str) -> bool:
        """Does it come into this lane?"""
        return not self._is_out and lane in self.path

    def supply(self, lane: str) -> ProverSupply:
        """Return what it brings there: all it has, or what is left."""
        native = self.path[lane]
        if self._left is None:
            return native
        slots, ask_price, carried = self._left
        return replace(native, free_slots=slots, ask_price=ask_price, carried=carried)

    def after(self, supply: ProverSupply, outcome: RoundOutcome) -> None:
        """Take note of a round that it came into with this supply."""
        if supply.prover_id not in outcome.took_part:
            return
        left = outcome.unsold_slots.get(supply.prover_id, 0)
        if not left:  # it left for its price, or everything is sold
            self._is_out = True
            return
        price = outcome.sell_price if supply.carried is None else min(outcome.sell_price, supply.carried.price_max)
        carried = Carried(lane=outcome.lane, number=outcome.number, price_max=price)
        self._left = left, supply.ask_price, carried


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


def _path(supplies: Supplies, lanes: Sequence[LaneDemands], hashes: RankHashes) -> Supplies:
    """Return the lanes that a prover is offered in.

    Of those with constraints one of each class, by lot. One order has one ask: a prover that asks more for one class
    than for another is offered at one of its asks, in the lanes where it asks that. A lot decides at which, or a
    hopeless bid in a dear class would keep it out of the cheap ones in every round.
    """
    path: dict[str, ProverSupply] = {}
    drawn: dict[str, tuple[str, str]] = {}  #: wide lane -> the best lot so far, and its lane
    for lane in lanes:
        supply = supplies.get(lane.lane)
        if supply is None or not supply.free_slots:
            continue
        if is_wide(lane.lane):
            path[lane.lane] = supply
        else:
            lot = (hashes[f"{supply.prover_id} {lane.lane}"], lane.lane)
            wide = wide_lane_of(lane.lane)
            drawn[wide] = min(lot, drawn.get(wide, lot))
    path |= {lane: supplies[lane] for _, lane in drawn.values()}
    if len({supply.ask_price for supply in path.values()}) < 2:
        return path
    drawn_lane = min(path, key=lambda name: hashes[f"{path[name].prover_id} asks {name}"])
    return {name: supply for name, supply in path.items() if supply.ask_price == path[drawn_lane].ask_price}


def _floor_least(below: Sequence[LaneDemands], provers: Sequence[_Descent]) -> int:
    """Return the reference of the next lane for everybody that one of these provers could serve instead."""
    for lane in below:
        if is_wide(lane.lane) and any(lane.lane in one.path for one in provers):
            return lane.reference or 0
    return 0
