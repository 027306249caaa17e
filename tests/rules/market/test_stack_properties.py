"""What holds in every stack, whatever waits in it: nobody loses, nothing is sold twice, no lie pays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.digests import digest_of_json
from proofgrid.primitives.money import PRICE_MAX
from proofgrid.rules.market.draw_record import DrawnTo, check_drawn, read_table
from proofgrid.rules.market.rounds import RoundOutcome, TranscriptMismatch, replay
from proofgrid.rules.market.stack import anchored
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
def test_no_slot_is_sold_twice_and_no_job_and_nobody_is_in_two_lanes(case: StackCase) -> None:
    slots = {supply.prover_id: supply.free_slots for supplies in case.provers for supply in supplies.values()}
    outcomes = case.run()
    sold = Counter(placement.prover_id for outcome in outcomes for placement in outcome.placements)
    jobs = [placement.job_id for outcome in outcomes for placement in outcome.placements]

    assert all(count <= slots[prover] for prover, count in sold.items())
    assert len(set(jobs)) == len(jobs)
    there = [ask["prover_id"] for outcome in outcomes for ask in _asks(outcome)] if len(outcomes) > 1 else []
    assert len(set(there)) == len(there)


def _asks(outcome: RoundOutcome) -> list[dict[str, Any]]:
    return [ask for group in ("asks", "absent", "idle_asks") for ask in outcome.transcript[group]]


@given(stack_cases())
def test_a_bid_that_wins_has_all_its_jobs_placed_or_named_as_unsold(case: StackCase) -> None:
    for outcome in case.run():
        covered = {bid["task_id"]: bid for bid in outcome.transcript["bids"]}
        jobs = Counter(placement.task_id for placement in outcome.placements)
        won = dict(outcome.clearing.bought)
        assert set(jobs) <= set(won) <= set(covered)
        if not outcome.unsold:
            assert dict(jobs) == won


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
            anchor=lane.anchor,
            backed=lane.backed,
        )
        for lane in case.lanes
    ]
    assert StackCase(lanes=lanes, provers=provers, beacon=case.beacon).run() == case.run()


@pytest.mark.thorough
@pytest.mark.exhaustive
@settings(deadline=None)
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
    if asks_of(case)[one.prover_id] < outcome.sell_price:
        others += [case.with_ask(one.prover_id, price) for price in range(min(outcome.sell_price, len(PRICES)))]
    if bids_of(case)[one.task_id] > outcome.buy_price:
        others += [case.with_bid(one.task_id, price) for price in PRICES if price > outcome.buy_price]
    for other in others:
        again = other.run()
        assert [lane.placements for lane in again] == [lane.placements for lane in outcomes]
        assert [lane.buy_price for lane in again] == [lane.buy_price for lane in outcomes]


@given(stack_cases(), st.data())
def test_an_order_that_cannot_trade_changes_nothing_but_itself(case: StackCase, data: st.DataObject) -> None:
    """Below the floor, above the ceiling, or nobody on the other side may have it."""
    place = data.draw(st.integers(0, len(case.lanes) - 1))
    lane = case.lanes[place]
    floor, ceil = anchored(case.lanes)[place].limits
    everybody = frozenset(supply.prover_id for supplies in case.provers for supply in supplies.values())
    match data.draw(st.sampled_from(["low bid", "barred bid", "dear ask", "ask for nothing"])):
        case "low bid" if floor:
            more = case.and_bid(lane.lane, data.draw(st.integers(0, floor - 1)), jobs=data.draw(st.integers(1, 9)))
        case "barred bid":
            bid = data.draw(st.integers(0, 9))
            more = case.and_bid(lane.lane, bid, jobs=data.draw(st.integers(1, 9)), excluded=everybody)
        case "dear ask" if ceil < PRICE_MAX - 1:
            more = case.and_prover(lane.lane, ask=data.draw(st.integers(ceil + 1, ceil + 9)))
        case _:
            more = case.and_prover("net/toy/large/zzzz", ask=0)

    before, after = case.run(), more.run()

    assert [outcome.placements for outcome in after] == [outcome.placements for outcome in before]
    assert [outcome.clearing for outcome in after] == [outcome.clearing for outcome in before]
    assert [outcome.next_reference for outcome in after] == [outcome.next_reference for outcome in before]
    assert [outcome.took_part for outcome in after] == [outcome.took_part for outcome in before]


@given(stack_cases())
def test_every_lane_replays_and_held_whom_the_lots_gave_it(case: StackCase) -> None:
    drawn: DrawnTo = {}
    for outcome in case.run():
        transcript = outcome.transcript
        replay(transcript)
        draw = transcript["draw"]
        if draw is None:
            continue
        if draw["table"] is not None:
            drawn = read_table(draw["table"], digest=draw["digest"], beacon=case.beacon)
        check_drawn(transcript, drawn)


@given(stack_cases(), st.data())
def test_a_change_of_the_draw_is_found(case: StackCase, data: st.DataObject) -> None:
    first, *others = [outcome.transcript for outcome in case.run()]
    if not others or not first["draw"]["table"]["provers"]:
        return
    table = deepcopy(first["draw"]["table"])
    row = data.draw(st.sampled_from(table["provers"]))
    row[2] = data.draw(st.sampled_from([lane for lane, _ in table["lanes"] if lane != row[2]]))
    with pytest.raises(TranscriptMismatch):
        read_table(table, digest=first["draw"]["digest"], beacon=case.beacon)
    with pytest.raises(TranscriptMismatch):  # nor when it is named and signed as it is
        check_drawn_by(table, case.beacon, [first, *others])


def check_drawn_by(table: dict[str, Any], beacon: bytes, transcripts: Sequence[dict[str, Any]]) -> None:
    drawn = read_table(table, digest=digest_of_json(table), beacon=beacon)
    for transcript in transcripts:
        check_drawn(transcript, drawn)
