"""One round of a stack by hand: every prover is offered in one lane, and what happens in one moves no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.market.stack import CONSTRAINED_LANES_MAX, LaneDemands, Supplies, run_stack
from tests.rules.market.stacks import BEACON, LARGE, NARROW, SMALL, a_lane, a_prover


def run(*lanes: LaneDemands, provers: Sequence[Supplies], beacon: bytes = BEACON) -> dict[str, RoundOutcome]:
    return {one.lane: one for one in run_stack(lanes, provers, beacon=beacon)}


def asks_of(outcome: RoundOutcome) -> dict[str, dict[str, Any]]:
    return {ask["prover_id"]: ask for ask in outcome.transcript["asks"]}


def sellers(outcome: RoundOutcome) -> set[str]:
    return {placement.prover_id for placement in outcome.placements}


def slots_in(lane: str, *lanes: LaneDemands, provers: Sequence[Supplies], rounds: int = 60) -> float:
    """Return how many slots a lane is given on average."""
    given: list[int] = [
        sum(ask["free_slots"] for ask in asks_of(run(*lanes, provers=provers, beacon=bytes([number]))[lane]).values())
        for number in range(rounds)
    ]
    return sum(given) / rounds


def test_without_bids_in_large_a_large_prover_serves_small() -> None:
    rounds = run(a_lane(SMALL, 20, reference=10), provers=[a_prover("a", LARGE, SMALL)])

    assert sellers(rounds[SMALL]) == {"a"}
    assert rounds[SMALL].transcript["draw"] is None


def test_a_prover_is_offered_in_one_lane_where_most_is_wanted_of_what_it_may_serve() -> None:
    lanes = [a_lane(LARGE, *[20] * 8, reference=10), a_lane(SMALL, *[20] * 16, reference=10)]
    provers = [a_prover(f"p{number}", LARGE, SMALL, slots=2) for number in range(6)]

    for number in range(20):
        rounds = run(*lanes, provers=provers, beacon=bytes([number]))
        assert Counter(one for outcome in rounds.values() for one in outcome.took_part) == Counter(
            {f"p{number}": 1 for number in range(6)}
        )
    assert 3 < slots_in(LARGE, *lanes, provers=provers) < 5


def test_who_may_serve_one_lane_only_is_counted_before_those_who_may_serve_both() -> None:
    lanes = [a_lane(NARROW, *[20] * 4, reference=10), a_lane(SMALL, *[20] * 4, reference=10)]
    wide = [a_prover(f"w{number}", SMALL, slots=1) for number in range(4)]
    both = [a_prover(f"n{number}", NARROW, SMALL, slots=1) for number in range(4)]

    assert slots_in(NARROW, *lanes, provers=[*both, *wide]) > 3.9


def test_a_lane_with_one_job_in_a_hundred_is_given_its_share_and_no_more() -> None:
    """An honest task with constraints waits for its turn, and does not take the sellers of all the others."""
    lanes = [a_lane(NARROW, 20, reference=10), a_lane(SMALL, *[20] * 99, reference=10)]
    provers = [a_prover(f"p{number}", NARROW, SMALL, slots=2) for number in range(20)]

    assert 0.3 < slots_in(NARROW, *lanes, provers=provers, rounds=200) < 1.6


def test_a_hopeless_bid_above_takes_no_seller_from_the_lane_below() -> None:
    provers = [a_prover(f"p{number}", LARGE, SMALL, ask=5 + number) for number in range(4)]
    honest = a_lane(SMALL, *[20] * 4, reference=10)

    for number in range(20):
        alone = run(honest, provers=provers, beacon=bytes([number]))[SMALL]
        attacked = run(a_lane(LARGE, *[1] * 9, reference=10), honest, provers=provers, beacon=bytes([number]))
        assert attacked[SMALL].placements == alone.placements
        assert attacked[SMALL].next_reference == alone.next_reference
        assert attacked[LARGE].next_reference == 10


def test_a_hopeless_bid_with_constraints_talks_no_limits_down() -> None:
    """Sixteen rounds of it dragged the lane's reference, and with it the ceiling, below everybody's ask."""
    provers = [a_prover(f"p{number}", NARROW, SMALL, ask=9 + number) for number in range(4)]
    reference = 10
    for number in range(20):
        lanes = [a_lane(NARROW, 3, reference=reference), a_lane(SMALL, *[20] * 4, reference=10)]
        rounds = run(*lanes, provers=provers, beacon=bytes([number]))
        assert len(rounds[SMALL].placements) >= 2
        reference = rounds[NARROW].next_reference or 0
    assert reference == 10


def test_a_lane_with_constraints_has_the_limits_of_the_wide_lane_and_stays_between_them() -> None:
    lanes = [a_lane(NARROW, 1, reference=40), a_lane(SMALL, 20, reference=100)]

    rounds = run(*lanes, provers=[a_prover("a", NARROW, SMALL)])

    parameters = rounds[NARROW].transcript["parameters"]
    assert (parameters["floor"], parameters["ceil"], parameters["anchor"]) == (25, 400, 100)
    assert rounds[NARROW].next_reference == 40  # its bid is not admitted: it moves nothing

    lanes = [a_lane(NARROW, 1, reference=10), a_lane(SMALL, 20, reference=100)]
    rounds = run(*lanes, provers=[a_prover("a", NARROW, SMALL)])
    assert rounds[NARROW].next_reference == 25  # but it stays between the limits


def test_what_is_paid_for_in_one_lane_moves_no_price_in_another() -> None:
    """One PU bought at the floor of an upper lane sank the sellers' clock there, and bound them below."""
    provers = [a_prover(f"p{number}", LARGE, SMALL, ask=5) for number in range(6)]
    rounds = run(
        a_lane(LARGE, 3, reference=10, units=1), a_lane(SMALL, *[90] * 12, reference=80), provers=provers, beacon=b"2"
    )

    assert rounds[SMALL].placements
    assert {placement.sell_price for placement in rounds[SMALL].placements} == {rounds[SMALL].sell_price}
    assert rounds[SMALL].sell_price >= 20


def test_at_most_32_lanes_with_constraints_of_a_class_hold_a_round_and_the_wide_one_always() -> None:
    narrow = [a_lane(f"{SMALL}/{number:04}", 20, reference=10) for number in range(CONSTRAINED_LANES_MAX + 8)]
    lanes = [*narrow, a_lane(SMALL, 20, reference=10)]
    provers = [a_prover("a", *(lane.lane for lane in lanes), slots=99)]

    drawn = [{one.lane for one in run_stack(lanes, provers, beacon=bytes([seed]) * 32)} for seed in range(2)]

    assert [len(names) for names in drawn] == [CONSTRAINED_LANES_MAX + 1] * 2
    assert all(SMALL in names for names in drawn)
    assert drawn[0] != drawn[1]


def test_a_prover_that_asks_differently_for_its_classes_is_drawn_whatever_it_asks() -> None:
    supplies = dict(a_prover("a", LARGE, SMALL, ask=20))
    dear = supplies | {SMALL: replace(supplies[SMALL], ask_price=39)}
    cheap = supplies | {SMALL: replace(supplies[SMALL], ask_price=7)}
    lanes = [a_lane(LARGE, 25, reference=20), a_lane(SMALL, 15, reference=10)]

    drawn = []
    for number in range(40):
        here, there = (run(*lanes, provers=[one], beacon=bytes([number])) for one in (cheap, dear))
        [place] = [lane for lane, outcome in here.items() if outcome.took_part]
        assert [lane for lane, outcome in there.items() if outcome.took_part] == [place]
        drawn.append(place)
    assert 10 < drawn.count(SMALL) < 30
