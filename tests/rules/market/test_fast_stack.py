"""A stack on columns holds the rounds of the network's stack: thousands at random, every sale and every price."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.columns import OrderColumns, column_of
from proofgrid.rules.market.fast_stack import ClearedRound, Lots, SlotLane, run_stack_columns
from proofgrid.rules.market.rounds import JobDemand, RoundOutcome, TaskDemand
from proofgrid.rules.market.stack import LaneDemands
from proofgrid.rules.scheduling.lots import rounding_lot
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks
from proofgrid.simulation.references import following_round
from tests.rules.market.stacks import LARGE, MEDIUM, SMALL, StackCase, a_prover

CLASSES = (LARGE, MEDIUM, SMALL)
STACKS = 4_000
ANCHOR = 5


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
                    ),
                ),
                limit_price=random.randint(0, price_max),
                program_digest="p",
            )
            for place in range(random.choice([0, 1, 3, 9, 20]))
        ]
        reference = random.choice([None, random.randint(0, price_max)])
        lanes.append(
            LaneDemands(lane=lane, number=1, previous=None, reference=reference, demands=demands, anchor=ANCHOR)
        )
    return StackCase(lanes=lanes, provers=provers, beacon=random.randbytes(32))


class OnColumns:
    """The same stack on columns, and what its places stand for."""

    def __init__(self, case: StackCase) -> None:
        self.case = case
        hashes = RankHashes(case.beacon)
        natives = [[supplies[lane] for supplies in case.provers if next(iter(supplies)) == lane] for lane in CLASSES]
        self.sellers = [supply for of_lane in natives for supply in of_lane]
        ranks = ask_ranks(self.sellers, demanded=frozenset("p"), hashes=hashes)
        in_turn = sorted(self.sellers, key=lambda supply: hashes[f"{supply.prover_id} draws"])
        self.lots = Lots(
            turns=column_of([in_turn.index(supply) for supply in self.sellers]),
            rounding=[rounding_lot(hashes, lane) for lane in CLASSES],
        )
        self.lanes = []
        for lane, of_lane in zip(case.lanes, natives, strict=True):
            bids = bid_ranks(lane.demands, hashes=hashes)
            asks = OrderColumns(
                units=column_of([supply.free_slots for supply in of_lane]),
                price=column_of([supply.ask_price for supply in of_lane]),
                rank=column_of([ranks[supply.prover_id] for supply in of_lane]),
            )
            prices = column_of([demand.limit_price for demand in lane.demands])
            rank = column_of([bids[demand.task_id] for demand in lane.demands])
            self.lanes.append(
                SlotLane(
                    bids=OrderColumns(units=column_of([1] * len(prices)), price=prices, rank=rank),
                    job_units=column_of([demand.jobs[0].units for demand in lane.demands]),
                    asks=asks,
                    reference=lane.reference,
                )
            )

    def run(self) -> tuple[ClearedRound, ...]:
        return run_stack_columns(self.lanes, lots=self.lots)

    def placements(self, lane: int, done: ClearedRound) -> list[tuple[str, str, int, int]]:
        line = [self.sellers[number].prover_id for number in done.still_in.tolist()]
        demands = [self.case.lanes[lane].demands[place] for place in done.cleared.bought.tolist()]
        prices = done.sell_prices.tolist()
        return sorted(
            (demand.jobs[0].job_id, line[place], demand.jobs[0].units, prices[place])
            for demand, place in zip(demands, done.places.tolist(), strict=True)
        )


def placements_of(outcome: RoundOutcome) -> list[tuple[str, str, int, int]]:
    return sorted((one.job_id, one.prover_id, one.units, one.sell_price) for one in outcome.placements)


@pytest.mark.exhaustive
def test_thousands_of_random_stacks_hold_the_rounds_of_the_network() -> None:
    random = Random(12)
    compared = traded = quiet = refused = 0
    while compared < STACKS:
        case = a_random_stack(random)
        held = [lane for lane in case.lanes if lane.demands]
        outcomes = {one.lane: one for one in StackCase(lanes=held, provers=case.provers, beacon=case.beacon).run()}
        on_columns = OnColumns(case)
        for number, (lane, done) in enumerate(zip(case.lanes, on_columns.run(), strict=True)):
            outcome = outcomes.get(lane.lane)
            if outcome is None:
                assert not len(done.asks), case
                continue
            compared += 1
            assert on_columns.placements(number, done) == placements_of(outcome), case
            assert (done.cleared.buy_price, done.cleared.sell_price) == (outcome.buy_price, outcome.sell_price), case
            assert {on_columns.sellers[one].prover_id for one in done.sellers.tolist()} == outcome.took_part, case
            following = following_round(
                lane.reference, on_columns.lanes[number].bids, done, anchor=ANCHOR, backed=False
            )
            assert following == outcome.next_reference, case
            traded += bool(outcome.placements)
            quiet += done.is_quiet
            refused += bool(outcome.transcript["idle_bids"])
    assert min(traded, quiet, refused) > STACKS // 100


def one_lane(*, slots: int, price: int = 5) -> SlotLane:
    """Return a lane with one bid and one ask at a reference that both accept."""
    return SlotLane(
        bids=OrderColumns(units=column_of([1]), price=column_of([price]), rank=column_of([0])),
        job_units=column_of([7]),
        asks=OrderColumns(units=column_of([slots]), price=column_of([price]), rank=column_of([0])),
        reference=price,
    )


def test_a_lane_without_bids_gives_its_sellers_to_the_lanes_below() -> None:
    quiet, busy = one_lane(slots=3), one_lane(slots=1)
    quiet = replace(quiet, bids=OrderColumns.of([]), job_units=column_of([]))
    busy = replace(busy, asks=OrderColumns.of([]))

    above, below = run_stack_columns([quiet, busy], lots=Lots(turns=column_of([0]), rounding=[1, 1]))

    assert len(above.asks) == len(above.places) == 0
    assert (below.asks.units.tolist(), below.places.tolist()) == ([1], [0])


def test_two_sellers_of_one_rank_are_refused() -> None:
    with pytest.raises(InvalidField):
        run_stack_columns([one_lane(slots=1)] * 2, lots=Lots(turns=column_of([0, 1]), rounding=[1, 1]))
