"""A stack on columns holds the rounds of the network's stack: thousands at random, every sale and every price."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.columns import Column, OrderColumns, column_of
from proofgrid.rules.market.fast_stack import ClearedRound, SlotLane, run_stack_columns
from proofgrid.rules.market.rounds import JobDemand, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands
from proofgrid.rules.scheduling.exclusion import SIT_OUT_IN
from proofgrid.rules.scheduling.placement_columns import UNSOLD
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks
from proofgrid.simulation.references import following_reference
from tests.rules.market.stacks import LARGE, MEDIUM, SMALL, StackCase, a_prover

CLASSES = (LARGE, MEDIUM, SMALL)
STACKS = 4_000


def a_random_stack(random: Random) -> StackCase:
    """Return three classes with tasks of one job, and provers with one ask that serve all classes below theirs."""
    price_max, units_max = random.choice([2, 12, 10**6]), random.choice([1, 4, 50])
    names = [f"o{place}" for place in range(random.randint(0, 9))]
    provers = [
        a_prover(name, *CLASSES[random.randrange(3) :], ask=random.randint(0, price_max), slots=random.randint(1, 6))
        for name in names
    ]
    lanes = []
    for lane in CLASSES:
        demands = [
            TaskDemand(
                task_id=f"{lane} {place}",
                jobs=(
                    JobDemand(
                        job_id=f"{lane} {place} 0",
                        units=random.randint(1, units_max),
                        excluded=frozenset(random.sample(names, min(len(names), int(random.random() < 0.2)))),
                    ),
                ),
                limit_price=random.randint(0, price_max),
                program_digest="p",
            )
            for place in range(random.choice([0, 1, 3, 9, 20]))
        ]
        reference = random.choice([None, random.randint(0, price_max)])
        lanes.append(LaneDemands(lane=lane, number=1, previous=None, reference=reference, demands=demands))
    return StackCase(lanes=lanes, provers=provers, beacon=_a_beacon_without_sitting_out(random))


def _a_beacon_without_sitting_out(random: Random) -> bytes:
    while True:
        beacon = random.randbytes(32)
        if int(RankHashes(beacon)["sit out"][-1], 16) % SIT_OUT_IN:
            return beacon


class OnColumns:
    """The same stack on columns, and what its places stand for."""

    def __init__(self, case: StackCase) -> None:
        self.case = case
        natives = [[supplies[lane] for supplies in case.provers if next(iter(supplies)) == lane] for lane in CLASSES]
        self.sellers = [supply for of_lane in natives for supply in of_lane]
        ranks = ask_ranks(self.sellers, demanded=frozenset("p"), hashes=RankHashes(case.beacon))
        self.lanes = []
        for lane, of_lane in zip(case.lanes, natives, strict=True):
            units = column_of([demand.jobs[0].units for demand in lane.demands])
            bids = bid_ranks(lane.demands, hashes=RankHashes(case.beacon))
            asks = OrderColumns(
                units=column_of([supply.free_slots for supply in of_lane]),
                price=column_of([supply.ask_price for supply in of_lane]),
                rank=column_of([ranks[supply.prover_id] for supply in of_lane]),
            )
            prices = column_of([demand.limit_price for demand in lane.demands])
            rank = column_of([bids[demand.task_id] for demand in lane.demands])
            self.lanes.append(
                SlotLane(
                    bids=OrderColumns(units=units, price=prices, rank=rank),
                    job_units=units,
                    asks=asks,
                    reference=lane.reference,
                )
            )

    def run(self) -> tuple[ClearedRound, ...]:
        return run_stack_columns(self.lanes, excluded=self._excluded)

    def _excluded(self, lane: int, bought: Column, still_in: Column) -> Mapping[int, set[int]]:
        line = [self.sellers[number].prover_id for number in still_in.tolist()]
        jobs = [self.case.lanes[lane].demands[place].jobs[0] for place in bought.tolist()]
        found = {entry: {line.index(one) for one in job.excluded if one in line} for entry, job in enumerate(jobs)}
        return {entry: places for entry, places in found.items() if places}

    def placements(self, lane: int, done: ClearedRound) -> list[tuple[str, str, int, int]]:
        line = [self.sellers[number].prover_id for number in done.still_in.tolist()]
        demands = [self.case.lanes[lane].demands[place] for place in done.cleared.bought.tolist()]
        prices = done.sell_prices.tolist()
        return sorted(
            (demand.jobs[0].job_id, line[place], demand.jobs[0].units, prices[place])
            for demand, place in zip(demands, done.places.tolist(), strict=True)
            if place != UNSOLD
        )


def placements_of(outcome: RoundOutcome) -> list[tuple[str, str, int, int]]:
    return sorted((one.job_id, one.prover_id, one.units, one.sell_price) for one in outcome.placements)


@pytest.mark.exhaustive
def test_thousands_of_random_stacks_hold_the_rounds_of_the_network() -> None:
    random = Random(12)
    compared = carried = cheaper = moved = 0
    while compared < STACKS:
        case = a_random_stack(random)
        held = [lane for lane in case.lanes if lane.demands]
        outcomes = {one.lane: one for one in StackCase(lanes=held, provers=case.provers, beacon=case.beacon).run()}
        on_columns = OnColumns(case)
        for number, (lane, done) in enumerate(zip(case.lanes, on_columns.run(), strict=True)):
            outcome = outcomes.get(lane.lane)
            if outcome is None or not len(done.asks):
                assert not len(done.asks), case
                assert outcome is None or not outcome.took_part, case
                continue
            if len(outcome.transcript["bids"]) < len(lane.demands):
                break  # a job that nobody here may run enters no round of lists, and is left unsold on columns
            compared += 1
            assert on_columns.placements(number, done) == placements_of(outcome), case
            assert (done.cleared.buy_price, done.cleared.sell_price) == (outcome.buy_price, outcome.sell_price), case
            assert {on_columns.sellers[one].prover_id for one in done.sellers.tolist()} == outcome.took_part, case
            following = following_reference(lane.reference, on_columns.lanes[number].bids, done)
            assert following == outcome.next_reference, case
            asks = {ask["prover_id"]: ask for ask in outcome.transcript["asks"]}
            carried += any(ask["carried"] for ask in asks.values())
            cheaper += any(one.sell_price < outcome.sell_price for one in outcome.placements)
            moved += bool(outcome.unsold) or bool((done.places == UNSOLD).any())
    assert min(carried, cheaper, moved) > STACKS // 100


def one_lane(*, units: int, job_units: int, slots: int, price: int = 5) -> SlotLane:
    """Return a lane with one bid and one ask at a reference that both accept."""
    return SlotLane(
        bids=OrderColumns(units=column_of([units]), price=column_of([price]), rank=column_of([0])),
        job_units=column_of([job_units]),
        asks=OrderColumns(units=column_of([slots]), price=column_of([price]), rank=column_of([0])),
        reference=price,
    )


def test_a_bid_for_slices_takes_the_slots_that_it_bought() -> None:
    above = one_lane(units=25, job_units=10, slots=4)
    no_asks = OrderColumns.of([])
    below = SlotLane(
        bids=OrderColumns(units=column_of([3]), price=column_of([5]), rank=column_of([0])),
        job_units=column_of([3]),
        asks=no_asks,
        reference=5,
    )

    large, small = run_stack_columns([above, below])

    assert (large.lot, large.cleared.bought_units.tolist()) == (10, [25])
    assert small.asks.units.tolist() == [1 * 3]  # of four slots three are taken, the last of them in part


def test_a_lane_without_bids_hands_everything_down_untouched() -> None:
    quiet = one_lane(units=1, job_units=1, slots=3, price=9)
    quiet = SlotLane(bids=OrderColumns.of([]), job_units=column_of([]), asks=quiet.asks, reference=1)
    busy = one_lane(units=2, job_units=2, slots=1, price=9)
    busy = SlotLane(bids=busy.bids, job_units=busy.job_units, asks=OrderColumns.of([]), reference=9)

    above, below = run_stack_columns([quiet, busy])

    assert len(above.asks) == len(above.places) == 0
    assert (below.asks.units.tolist(), below.places.tolist()) == ([6], [0])


def test_two_sellers_of_one_rank_are_refused() -> None:
    with pytest.raises(InvalidField):
        run_stack_columns([one_lane(units=1, job_units=1, slots=1)] * 2)
