"""The world's parts against the rules they stand for: money, places, ranks, references, the exact optimum."""

from __future__ import annotations

from itertools import combinations, permutations, product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.rules.ledger.accounts import MINT, TREASURY, Ledger, client_account, escrow_account, operator_account
from proofgrid.rules.ledger.settlement import deposit, escrow, pay_for_proof
from proofgrid.rules.market.columns import OrderColumns, column_of
from proofgrid.rules.market.fast_classes import LaneColumns, clear_class_columns
from proofgrid.rules.market.fast_stack import Lots, SlotLane, run_stack_columns
from proofgrid.rules.market.orders import ClearingRules
from proofgrid.rules.market.reference import next_reference
from proofgrid.rules.scheduling.demand_and_supply import ProverSupply, TaskDemand
from proofgrid.rules.scheduling.rank import RankHashes, ask_ranks, bid_ranks
from proofgrid.simulation import chance, griefing, leases
from proofgrid.simulation.books import Orders, job_id, prover_id
from proofgrid.simulation.clock import Clock
from proofgrid.simulation.leases import Outcome
from proofgrid.simulation.money import Accounts, MoneyLost
from proofgrid.simulation.optimum import best_in_slots, best_welfare
from proofgrid.simulation.population import populate
from proofgrid.simulation.references import following_reference
from proofgrid.simulation.world import World
from tests.simulation.worlds import a_run, a_scenario

quick = settings(deadline=None, derandomize=True, max_examples=100)
ALICE, OPERATOR = Address("0x" + "a" * 40), Address("0x" + "b" * 40)
BEACON = b"beacon"


def test_the_clock_moves_from_event_to_event_and_keeps_the_order_of_equals() -> None:
    clock: Clock[str] = Clock()
    for time_ms, name in ((30, "c"), (10, "a"), (30, "d"), (20, "b")):
        clock.at(time_ms, name, count=2)

    assert [clock.take_next() for _ in range(5)] == ["a", "b", "c", "d", None]
    assert (clock.now_ms, clock.facts) == (30, 8)
    clock.at(5, "too late for that")
    clock.take_next()
    assert clock.now_ms == 30


def test_a_draw_depends_on_what_it_is_about_and_on_nothing_else() -> None:
    jobs = np.arange(10_000)
    draws = chance.shares(1, "failure", jobs, jobs % 3)

    assert (chance.shares(1, "failure", jobs[5:9], jobs[5:9] % 3) == draws[5:9]).all()
    assert (chance.shares(2, "failure", jobs, jobs % 3) != draws).all()
    assert (chance.shares(1, "late", jobs, jobs % 3) != draws).all()
    assert 0 <= draws.min() < draws.max() < 1
    assert np.abs(np.histogram(draws, bins=10, range=(0, 1))[0] - 1_000).max() < 150


def test_money_moves_as_in_the_ledger_of_the_network() -> None:
    ledger, units, limit, buy, sell = Ledger(), 70, 12, 9, 7
    accounts = Accounts.opened(funds=column_of([10_000]), jobs=1, bonds=column_of([0]))
    ledger.post(deposit(deposit_id="1", client=ALICE, amount=10_000))

    zero = column_of([0])
    accounts.set_aside(zero, zero, column_of([units * limit]))
    ledger.post(escrow(task_id="t", client=ALICE, limit_price=limit, units=units))
    assert accounts.escrow[0] == ledger.balance(escrow_account("t"))

    accounts.pay(zero, zero, zero, column_of([units]), column_of([buy]), column_of([sell]))
    ledger.post(
        pay_for_proof(
            task_id="t",
            job_id="j",
            operator=OPERATOR,
            units=units,
            buy_price=buy,
            sell_price=sell,
            lane="l",
            round_number=1,
        )
    )
    refund = ledger.balance(escrow_account("t"))
    accounts.check()
    assert accounts.machine[0] == ledger.balance(operator_account(OPERATOR))
    assert accounts.treasury == ledger.balance(TREASURY)
    assert accounts.mint == ledger.balance(MINT)
    assert accounts.client[0] == ledger.balance(client_account(ALICE)) + refund


def test_money_that_was_made_or_lost_is_noticed() -> None:
    accounts = Accounts.opened(funds=column_of([5, 5]), jobs=1, bonds=column_of([3]))
    accounts.check()
    assert accounts.slash(0, 10) == 3
    accounts.check()

    accounts.client[0] += 1
    with pytest.raises(MoneyLost, match="hold 1 base units"):
        accounts.check()
    accounts.client[0] -= 7
    accounts.client[1] += 6
    with pytest.raises(MoneyLost, match="below zero"):
        accounts.check()


def test_a_books_slots_sizes_and_ranks_are_those_of_the_rules() -> None:
    units, lane_of = column_of([30, 20, 70, 10]), column_of([0, 1, 1, 0])
    orders = Orders.of(limits=column_of([5, 6, 7, 8]), units=units, asks=column_of([3, 4, 2, 1]), lane_of=lane_of)
    orders.note_buckets(column_of([1, 0, 0, 0]))
    free = column_of([2, 3, 0, 1])

    book = orders.book(
        number=1,
        now_ms=0,
        waiting=[column_of([2]), column_of([0, 1])],
        free_slots=free,
        references=[9, 4],
        beacon=BEACON,
    )

    assert [lane.job_units.tolist() for lane in book.lanes] == [[70], [30, 20]]
    assert [lane.reference for lane in book.lanes] == [9, 4]
    assert book.provers.tolist() == [0, 3, 1]
    supplies = [
        ProverSupply(
            prover_id=prover_id(row),
            operator="o",
            ask_price=1,
            free_slots=int(free[row]),
            reputation_bucket=int(row == 0),
        )
        for row in (0, 1, 3)
    ]
    ranks = ask_ranks(supplies, demanded=frozenset(), hashes=RankHashes(BEACON))
    asks = [(int(u), int(r)) for lane in book.lanes for u, r in zip(lane.asks.units, lane.asks.rank, strict=True)]
    assert asks == [(int(free[row]), ranks[prover_id(row)]) for row in (0, 3, 1)]
    bids = bid_ranks(
        [TaskDemand(task_id=job_id(job), jobs=(), limit_price=5, program_digest="p") for job in (0, 1)],
        hashes=RankHashes(BEACON),
    )
    assert book.lanes[1].bids.rank.tolist() == [bids[job_id(0)], bids[job_id(1)]]


def test_a_first_round_starts_from_the_networks_reference_and_moves_it_by_a_step_at_most() -> None:
    world = a_run(a_scenario(reference_price=800))

    first = {lane: reference for _, lane, reference, *_ in reversed(world.history.lanes)}
    assert set(first) == {0, 1, 2}
    assert all(700 <= reference <= 900 for reference in first.values())


def test_her_bid_may_be_half_of_the_slots() -> None:
    asks = OrderColumns(units=column_of([2, 3, 4, 5]), price=column_of([4, 4, 4, 400]), rank=np.arange(4))
    bids = OrderColumns(units=column_of([1, 1]), price=column_of([5, 6]), rank=np.arange(2))
    lane = SlotLane(bids=bids, job_units=column_of([7, 2]), asks=asks, reference=4)

    attacked = griefing.attack_slots([lane], 0, slots_above=2)

    assert attacked.bids.units.tolist() == [1, 1, (9 + 2 + 1) // 2]
    assert attacked.bids.price[-1] == attacked.asks.price[-1] == 16
    assert attacked.asks.units[-1] == 1
    assert attacked.job_units.tolist() == [7, 2, 7]
    (held,) = run_stack_columns([attacked], lots=Lots(turns=np.arange(5), rounding=[1]))
    assert len(held.asks) == 4


def test_a_book_is_read_from_the_best_bid_down() -> None:
    limits = column_of(list(range(100)))
    orders = Orders.of(limits=limits, units=limits + 1, asks=column_of([3]), lane_of=column_of([0]))
    book = orders.book(
        number=1,
        now_ms=0,
        waiting=[np.arange(100)],
        free_slots=column_of([20]),
        references=[1],
        beacon=BEACON,
    )
    assert book.jobs[0].tolist() == list(range(60, 100))


@quick
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=6),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=5),
    st.none() | st.integers(0, 12),
)
def test_the_next_reference_is_that_of_all_orders(
    buyers: list[tuple[int, int]], sellers: list[tuple[int, int]], reference: int | None
) -> None:
    bids, asks = (
        OrderColumns(
            units=column_of([units for units, _ in side]),
            price=column_of([price for _, price in side]),
            rank=np.arange(len(side)),
        )
        for side in (buyers, sellers)
    )
    (lane,) = clear_class_columns(
        [LaneColumns(bids=bids, asks=asks, rules=ClearingRules.suggested(reference, sellers=len(sellers)))]
    )
    clearing = lane.cleared.with_ids([str(i) for i in range(len(bids))], [str(i) for i in range(len(asks))])
    expected = next_reference(reference, clearing, bids.as_bids(), asks.as_asks()) if buyers and sellers else reference

    assert following_reference(reference, bids, lane) == expected


def test_the_optimum_is_the_best_of_all_choices() -> None:
    random = Random(5)
    for _ in range(150):
        bids = [(random.randint(1, 6), random.randint(0, 12)) for _ in range(random.randint(0, 7))]
        asks = [(random.randint(1, 9), random.randint(0, 12)) for _ in range(random.randint(0, 4))]
        cheapest = sorted(cost for units, cost in asks for _ in range(units))
        best = 0
        for chosen in product((False, True), repeat=len(bids)):
            units = sum(size for (size, _), is_in in zip(bids, chosen, strict=True) if is_in)
            if units <= len(cheapest):
                value = sum(size * worth for (size, worth), is_in in zip(bids, chosen, strict=True) if is_in)
                best = max(best, value - sum(cheapest[:units]))
        for grain in (1, 3):
            found = best_welfare(
                bid_units=column_of([grain * size for size, _ in bids]),
                values=column_of([worth for _, worth in bids]),
                ask_units=column_of([grain * size for size, _ in asks]),
                costs=column_of([cost for _, cost in asks]),
                grain=grain,
            )
            assert found == grain * best, (bids, asks)


def test_the_optimum_in_slots_is_the_best_of_all_choices() -> None:
    random = Random(6)
    for _ in range(150):
        jobs = [(random.randint(1, 6), random.randint(0, 12)) for _ in range(random.randint(0, 5))]
        costs = [random.randint(0, 12) for _ in range(random.randint(0, 4))]
        best = 0
        for count in range(1 + min(len(jobs), len(costs))):
            for chosen in permutations(jobs, count):
                for slots in combinations(costs, count):
                    worth = sum(units * (value - cost) for (units, value), cost in zip(chosen, slots, strict=True))
                    best = max(best, worth)
        found = best_in_slots(
            units=column_of([units for units, _ in jobs]),
            values=column_of([value for _, value in jobs]),
            slot_costs=column_of(costs),
        )
        assert found == best, (jobs, costs)


def test_the_optimum_refuses_what_it_cannot_do_exactly() -> None:
    one = column_of([1])
    with pytest.raises(InvalidField):
        best_welfare(bid_units=one, values=one, ask_units=one, costs=one, grain=2)
    with pytest.raises(InvalidField):
        best_welfare(bid_units=one * 2**40, values=one * 2**40, ask_units=one, costs=one)


def _leases(free: list[int], really_free: list[int]) -> tuple[leases.Leases, dict[int, list[int]]]:
    """Sell five jobs of 1,000 to 5,000 PU to prover 0 and one to prover 1, in a world without bad luck."""
    scenario = a_scenario(failure_permille=0, late_permille=0, churn_permille=0, provers=3)
    provers = populate(scenario)
    job, prover = np.arange(6), column_of([0, 0, 1, 0, 0, 0])
    units = column_of([1_000, 2_000, 9_000, 3_000, 4_000, 5_000])
    price = np.full(6, 10)
    made, slots_of, until = leases.run(
        scenario,
        provers,
        job=job,
        prover=prover,
        units=units,
        buy_price=price,
        sell_price=price,
        attempt=job * 0,
        free_slots=column_of(free),
        real_free_slots=column_of(really_free),
        now_ms=100,
    )
    return made, {row: sorted(until[slots_of == row].tolist()) for row in (0, 1)}


def test_a_prover_runs_what_it_won_in_its_free_slots_one_after_the_other() -> None:
    made, slots = _leases([2, 1, 0], [2, 1, 0])

    assert set(made.outcome.tolist()) == {Outcome.PROVEN}
    begins = dict(zip(made.job.tolist(), made.begin_ms.tolist(), strict=True))
    ends = dict(zip(made.job.tolist(), made.end_ms.tolist(), strict=True))
    assert begins[0] == begins[1] == begins[2] == 100
    assert (begins[3], begins[4], begins[5]) == (ends[0], ends[1], ends[3])
    assert slots == {0: sorted([ends[5], ends[4]]), 1: [ends[2]]}


def test_a_slot_that_is_not_there_fails_its_jobs_at_once() -> None:
    made, _ = _leases([2, 1, 0], [1, 1, 0])

    failed = sorted(made.job[made.outcome == Outcome.CRASHED].tolist())
    assert failed == [1, 4]
    assert made.worked_permille[made.outcome == Outcome.CRASHED].sum() == 0


def test_who_leaves_loses_what_it_was_running() -> None:
    world = World(a_scenario(churn_permille=500, failure_permille=0, late_permille=0))
    world.run()

    assert world.history.outcomes["lost"] > 0
    assert world.history.outcomes["crashed"] == 0
