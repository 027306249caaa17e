"""What holds in every stack, whatever waits in it: nobody loses, nothing is sold twice, no lie pays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import deepcopy
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.market.rounds import RoundOutcome, TranscriptMismatch, replay
from proofgrid.rules.market.stack import Left, check_carried, left_of
from tests.rules.market.stacks import StackCase, stack_cases

PRICES = range(8)


def asks_of(case: StackCase) -> dict[str, int]:
    return {supply.prover_id: supply.ask_price for supplies in case.provers for supply in supplies.values()}


def bids_of(case: StackCase) -> dict[str, int]:
    return {demand.task_id: demand.limit_price for lane in case.lanes for demand in lane.demands}


def gains(case: StackCase, outcomes: Sequence[RoundOutcome]) -> Counter[str]:
    """What everybody gains, by the prices of `case`, which are the true ones."""
    asks, bids = asks_of(case), bids_of(case)
    found: Counter[str] = Counter(dict.fromkeys([*asks, *bids], 0))
    for outcome in outcomes:
        for one in outcome.placements:
            found[one.prover_id] += (one.sell_price - asks[one.prover_id]) * one.units
            found[one.task_id] += (bids[one.task_id] - outcome.buy_price) * one.units
    return found


@given(stack_cases())
def test_nobody_loses_and_the_treasury_never_pays(case: StackCase) -> None:
    outcomes = case.run()
    assert min(gains(case, outcomes).values()) >= 0
    for outcome in outcomes:
        assert outcome.surplus >= 0
        assert all(placement.sell_price <= outcome.buy_price for placement in outcome.placements)


@given(stack_cases())
def test_no_slot_is_sold_twice_across_lanes_and_no_job_at_all(case: StackCase) -> None:
    slots = {supply.prover_id: supply.free_slots for supplies in case.provers for supply in supplies.values()}
    taken: Counter[str] = Counter()
    jobs: list[str] = []
    for outcome in case.run():
        jobs += [placement.job_id for placement in outcome.placements]
        for ask in outcome.transcript["asks"]:
            # A slot holds one lot: one large job, or several small ones in turn; the last one may reach beyond it.
            lot = ask["units"] // ask["free_slots"]
            used = sum(one.units for one in outcome.placements if one.prover_id == ask["prover_id"])
            assert taken[ask["prover_id"]] + ask["free_slots"] <= slots[ask["prover_id"]]
            taken[ask["prover_id"]] += min(ask["free_slots"], -(-used // lot))
    assert all(count <= slots[prover] for prover, count in taken.items())
    assert len(set(jobs)) == len(jobs)


@given(stack_cases())
def test_a_bid_that_wins_has_all_its_jobs_placed_or_named_as_unsold(case: StackCase) -> None:
    for outcome in case.run():
        covered = {bid["task_id"]: bid for bid in outcome.transcript["bids"]}
        units: dict[str, int] = defaultdict(int)
        for placement in outcome.placements:
            units[placement.task_id] += placement.units
        won = dict(outcome.clearing.bought)
        assert set(units) <= set(won) <= set(covered)
        if not outcome.unsold:
            assert dict(units) == won


@given(stack_cases(), st.randoms(use_true_random=False))
def test_the_order_in_which_everything_is_listed_means_nothing(case: StackCase, chance: Random) -> None:
    provers = chance.sample(list(case.provers), len(case.provers))
    lanes = [
        type(lane)(
            lane=lane.lane,
            number=lane.number,
            previous=lane.previous,
            reference=lane.reference,
            demands=chance.sample(list(lane.demands), len(lane.demands)),
        )
        for lane in case.lanes
    ]
    assert StackCase(lanes=lanes, provers=provers, beacon=case.beacon).run() == case.run()


@pytest.mark.exhaustive
@given(stack_cases(), st.data())
def test_no_prover_gains_by_another_ask_and_no_client_by_another_bid(case: StackCase, data: st.DataObject) -> None:
    honest = gains(case, case.run())
    prover = data.draw(st.sampled_from(sorted(asks_of(case))))
    task = data.draw(st.sampled_from(sorted(bids_of(case))))
    for price in PRICES:
        assert gains(case, case.with_ask(prover, price).run())[prover] <= honest[prover]
        assert gains(case, case.with_bid(task, price).run())[task] <= honest[task]


@given(stack_cases(), st.data())
def test_another_price_with_which_a_winner_still_wins_changes_nothing(case: StackCase, data: st.DataObject) -> None:
    outcomes = case.run()
    placed = [(outcome, one) for outcome in outcomes for one in outcome.placements]
    if not placed:
        return
    outcome, one = data.draw(st.sampled_from(placed))
    others: list[StackCase] = []
    # In every lane in which she took part, not only where she sold.
    sell_price = min(other.sell_price for other in outcomes if one.prover_id in other.took_part)
    if asks_of(case)[one.prover_id] < sell_price:
        others += [case.with_ask(one.prover_id, price) for price in range(min(sell_price, len(PRICES)))]
    if bids_of(case)[one.task_id] > outcome.buy_price:
        others += [case.with_bid(one.task_id, price) for price in PRICES if price > outcome.buy_price]
    for other in others:
        again = other.run()
        assert [lane.placements for lane in again] == [lane.placements for lane in outcomes]
        assert [lane.buy_price for lane in again] == [lane.buy_price for lane in outcomes]


@given(stack_cases())
def test_every_lane_replays_and_what_it_took_from_above_is_what_was_left_there(case: StackCase) -> None:
    left: dict[tuple[str, int], Left] = {}
    for outcome in case.run():
        replay(outcome.transcript)
        for (lane, number), there in left.items():
            check_carried(lane, number, there, outcome.transcript)
        for ask in outcome.transcript["asks"]:
            assert ask["carried"] is None or (ask["carried"]["lane"], ask["carried"]["number"]) in left
        left[outcome.lane, outcome.number] = left_of(outcome.transcript)


@given(stack_cases(), st.data())
def test_a_change_of_what_was_carried_is_found(case: StackCase, data: st.DataObject) -> None:
    outcomes = case.run()
    carried = [
        (outcome, place)
        for outcome in outcomes
        for place, ask in enumerate(outcome.transcript["asks"])
        if ask["carried"] is not None
    ]
    if not carried:
        return
    outcome, place = data.draw(st.sampled_from(carried))
    forged = deepcopy(outcome.transcript)
    ask = forged["asks"][place]
    above = ask["carried"]
    [upper] = [one for one in outcomes if one.lane == above["lane"]]
    match data.draw(st.sampled_from(["free_slots", "ask_price", "price_max", "prover_id"])):
        case "price_max":
            above["price_max"] += 1
        case "prover_id":
            ask["prover_id"] = "somebody else"
        case field:
            ask[field] += 1
    with pytest.raises(TranscriptMismatch):
        check_carried(upper.lane, upper.number, left_of(upper.transcript), forged)
