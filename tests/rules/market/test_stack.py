"""One round of a stack by hand: what a demanding lane leaves unsold serves the lanes below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.market.stack import (
    CONSTRAINED_LANES_MAX,
    LaneDemands,
    Supplies,
    check_carried,
    left_of,
    run_stack,
)
from tests.rules.market.stacks import BEACON, LARGE, MEDIUM, NARROW, OTHER, SMALL, a_lane, a_prover


def run(*lanes: LaneDemands, provers: Sequence[Supplies]) -> dict[str, RoundOutcome]:
    return {one.lane: one for one in run_stack(lanes, provers, beacon=BEACON)}


def asks_of(outcome: RoundOutcome) -> dict[str, dict[str, Any]]:
    return {ask["prover_id"]: ask for ask in outcome.transcript["asks"]}


def sellers(outcome: RoundOutcome) -> set[str]:
    return {placement.prover_id for placement in outcome.placements}


def test_without_bids_in_large_a_large_prover_is_native_in_small() -> None:
    rounds = run(a_lane(SMALL, 20, reference=10), provers=[a_prover("a", LARGE, SMALL)])

    assert sellers(rounds[SMALL]) == {"a"}
    assert asks_of(rounds[SMALL])["a"]["carried"] is None


def test_the_slots_that_large_leaves_come_down_whole() -> None:
    rounds = run(
        a_lane(LARGE, 20, reference=10, units=1_000),
        a_lane(SMALL, 20, reference=10, jobs=2),
        provers=[a_prover("a", LARGE, SMALL, slots=4)],
    )

    assert len(rounds[LARGE].placements) == 1
    ask = asks_of(rounds[SMALL])["a"]
    assert ask["free_slots"] == 3
    assert ask["carried"] == {"lane": LARGE, "number": 7, "price_max": rounds[LARGE].sell_price}
    assert sellers(rounds[SMALL]) == {"a"}


def test_a_carried_prover_is_paid_no_more_than_in_the_lane_above() -> None:
    rounds = run(
        a_lane(LARGE, 10, reference=10),
        a_lane(SMALL, *[90] * 6, reference=10),
        provers=[a_prover("a", LARGE, SMALL, slots=4), a_prover("b", SMALL, ask=12, slots=4)],
    )

    carried = asks_of(rounds[SMALL])["a"]["carried"]
    assert carried is not None
    assert sellers(rounds[SMALL]) >= {"a"}
    for placement in rounds[SMALL].placements:
        most = carried["price_max"] if placement.prover_id == "a" else rounds[SMALL].sell_price
        assert placement.sell_price == min(most, rounds[SMALL].sell_price)


def test_the_least_price_of_all_lanes_above_is_what_a_carried_prover_is_paid_at_most() -> None:
    """Large sells at 10, medium and small far above: who comes from large through medium is paid 10 in all three."""
    rounds = run(
        a_lane(LARGE, 10, reference=10),
        a_lane(MEDIUM, *[50] * 4, reference=10),
        a_lane(SMALL, *[90] * 8, reference=10),
        provers=[
            a_prover("a", LARGE, MEDIUM, SMALL, slots=8),
            a_prover("b", MEDIUM, ask=14, slots=2),
            a_prover("c", SMALL, ask=12, slots=4),
        ],
    )

    assert [rounds[lane].sell_price for lane in (LARGE, MEDIUM, SMALL)] == [10, 13, 40]
    assert asks_of(rounds[MEDIUM])["a"]["carried"] == {"lane": LARGE, "number": 7, "price_max": 10}
    assert asks_of(rounds[SMALL])["a"]["carried"] == {"lane": MEDIUM, "number": 7, "price_max": 10}
    assert {(sold.prover_id, sold.sell_price) for sold in rounds[SMALL].placements} == {("a", 10), ("c", 40)}
    # Whoever checks the record finds the same bound.
    assert left_of(rounds[MEDIUM].transcript)["a"] == (3, 5, 10)
    check_carried(MEDIUM, 7, left_of(rounds[MEDIUM].transcript), rounds[SMALL].transcript)


def test_who_leaves_large_for_its_price_is_out_of_small() -> None:
    rounds = run(
        a_lane(LARGE, 20, reference=10),
        a_lane(SMALL, 900, reference=10),
        provers=[a_prover("dear", LARGE, SMALL, ask=800), a_prover("a", LARGE, SMALL), a_prover("b", SMALL)],
    )

    assert "dear" not in asks_of(rounds[SMALL])
    assert "dear" not in sellers(rounds[LARGE])


def test_the_floor_of_a_lane_is_the_reference_of_the_lane_that_its_provers_could_serve_instead() -> None:
    shared = run(
        a_lane(LARGE, 50, reference=10), a_lane(SMALL, 99, reference=90), provers=[a_prover("a", LARGE, SMALL)]
    )
    apart = run(a_lane(LARGE, 50, reference=10), a_lane(SMALL, 99, reference=90), provers=[a_prover("a", LARGE)])

    assert not shared[LARGE].placements  # bids less than its prover gets for small jobs
    assert sellers(apart[LARGE]) == {"a"}


def test_a_prover_is_offered_in_one_of_several_lanes_with_constraints_by_lot() -> None:
    narrow = {
        name
        for number in range(20)
        for name, outcome in {
            one.lane: one
            for one in run_stack(
                [a_lane(NARROW, 20, reference=10), a_lane(OTHER, 20, reference=10)],
                [a_prover("a", NARROW, OTHER, SMALL)],
                beacon=bytes([number]) * 32,
            )
        }.items()
        if asks_of(outcome)
    }
    assert narrow == {NARROW, OTHER}
    rounds = run(
        a_lane(NARROW, 20, reference=10),
        a_lane(OTHER, 20, reference=10),
        provers=[a_prover("a", NARROW, OTHER, SMALL)],
    )
    assert sum("a" in asks_of(outcome) for outcome in rounds.values()) == 1


def test_what_a_lane_with_constraints_leaves_serves_the_wide_lane() -> None:
    rounds = run(
        a_lane(NARROW, 20, reference=10),
        a_lane(SMALL, 20, reference=10),
        provers=[a_prover("a", NARROW, SMALL, slots=4), a_prover("b", SMALL, ask=900)],
    )

    assert sellers(rounds[NARROW]) == {"a"}
    assert asks_of(rounds[SMALL])["a"]["carried"]["lane"] == NARROW


def test_at_most_32_lanes_with_constraints_of_a_class_hold_a_round_and_the_wide_one_always() -> None:
    narrow = [a_lane(f"{SMALL}/{number:04}", 20, reference=10) for number in range(CONSTRAINED_LANES_MAX + 8)]
    lanes = [*narrow, a_lane(SMALL, 20, reference=10)]
    provers = [a_prover("a", *(lane.lane for lane in lanes), slots=99)]

    drawn = [{one.lane for one in run_stack(lanes, provers, beacon=bytes([seed]) * 32)} for seed in range(2)]

    assert [len(names) for names in drawn] == [CONSTRAINED_LANES_MAX + 1] * 2
    assert all(SMALL in names for names in drawn)
    assert drawn[0] != drawn[1]


def test_a_hopeless_bid_in_a_dear_class_does_not_keep_a_prover_out_of_the_cheap_one() -> None:
    """Dear large jobs, cheap small ones: offered at one of the asks, by lot, in the lanes where it asks that."""
    supplies = dict(a_prover("a", LARGE, SMALL, ask=20))
    supplies[SMALL] = replace(supplies[SMALL], ask_price=7)
    lanes = [a_lane(LARGE, 1, reference=20), a_lane(SMALL, 15, reference=10)]

    sold = 0
    for number in range(40):
        large, small = run_stack(lanes, [supplies], beacon=bytes([number]))
        assert not large.placements
        assert {ask["ask_price"] for ask in asks_of(small).values()} <= {7}
        sold += len(small.placements)

    assert 10 < sold < 30
