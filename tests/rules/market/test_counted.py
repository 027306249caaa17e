"""Bids below every ask may be counted instead of named: the same sales and prices, and a record that replays."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.market.blinding import SECRET_BYTES, Blinding
from proofgrid.rules.market.counted import CountedBids, LoneBid
from proofgrid.rules.market.rounds import (
    JobDemand,
    ProverSupply,
    RoundInputs,
    RoundOutcome,
    TaskDemand,
    TranscriptMismatch,
    replay,
    run_round,
)
from proofgrid.rules.market.stack import LaneDemands, run_stack

LANES = ("default/toy/large", "default/toy/small")

quick = settings(deadline=None, derandomize=True, max_examples=150)
bids = st.lists(
    st.tuples(
        st.integers(1, 40),  # limit
        st.sampled_from([1, 1, 1, 1, 2, 3]),  # jobs
        st.sampled_from([frozenset[str](), frozenset[str](), frozenset[str](), frozenset(["p0"])]),
        st.sampled_from("xyz"),  # program
        st.integers(0, 3),  # share
    ),
    max_size=40,
)
asks = st.lists(
    st.tuples(st.integers(10, 60), st.integers(0, 4), st.frozensets(st.sampled_from("xyz")), st.integers(0, 1)),
    min_size=1,
    max_size=6,
)
Bids = list[tuple[int, int, frozenset[str], str, int]]
Asks = list[tuple[int, int, frozenset[str], int]]


def demands_of(found: Bids, lane: str = "") -> list[TaskDemand]:
    return [
        TaskDemand(
            task_id=f"{lane}t{number:02}",
            jobs=tuple(
                JobDemand(job_id=f"{lane}t{number:02}.{job}", units=10 + number, excluded=barred) for job in range(jobs)
            ),
            limit_price=limit,
            program_digest=program,
            share=share,
        )
        for number, (limit, jobs, barred, program, share) in enumerate(found)
    ]


def supplies_of(found: Asks) -> list[ProverSupply]:
    return [
        ProverSupply(
            prover_id=f"p{number}",
            operator=f"o{number % 4}",
            ask_price=ask,
            free_slots=slots,
            reputation_bucket=bucket,
            cached_programs=programs,
        )
        for number, (ask, slots, programs, bucket) in enumerate(found)
    ]


def divided(demands: Sequence[TaskDemand], below: int) -> tuple[list[TaskDemand], dict[LoneBid, int]]:
    """As the market divides them: who is below every ask is counted, but not who has several jobs or exclusions, nor
    who bids the same as one of these.
    """
    odd = {one.limit_price for one in demands if len(one.jobs) > 1 or one.jobs[0].excluded}
    counted = [one for one in demands if one.limit_price < below and one.limit_price not in odd]
    named = [one for one in demands if one not in counted]
    return named, Counter(LoneBid(one.limit_price, one.jobs[0].units, one.program_digest) for one in counted)


def what_came_of(outcome: RoundOutcome, cheapest: int) -> list[object]:
    return [
        outcome.clearing,
        outcome.placements,
        outcome.unsold,
        outcome.next_reference,
        outcome.bids,
        outcome.took_part,
        [(ask["prover_id"], ask["rank"], ask["slots"]) for ask in outcome.transcript["asks"]],
        [(bid["task_id"], bid["covered"]) for bid in outcome.transcript["bids"] if bid["limit_price"] >= cheapest],
    ]


@quick
@given(bids, asks, st.none() | st.integers(1, 60), st.none() | st.integers(1, 60), st.binary(min_size=4, max_size=4))
def test_counted_bids_change_nothing_that_a_round_decides(
    found: Bids, offered: Asks, reference: int | None, anchor: int | None, beacon: bytes
) -> None:
    demands, supplies = demands_of(found), supplies_of(offered)
    inputs = RoundInputs(
        lane=LANES[1],
        number=3,
        previous=None,
        beacon=beacon,
        reference=reference,
        demands=demands,
        supplies=supplies,
        anchor=anchor,
    )
    whole = run_round(inputs)
    cheapest = min(one.ask_price for one in supplies)
    named, counted = divided(demands, cheapest)
    floor, ceil = LaneDemands(
        lane=LANES[1], number=3, previous=None, reference=reference, demands=(), anchor=anchor
    ).limits
    short = run_round(replace(inputs, demands=named, counted=CountedBids.of(counted, floor=floor, ceil=ceil)))

    assert what_came_of(short, cheapest) == what_came_of(whole, cheapest)
    assert short.transcript["version"] == (4 if counted else 3)
    if not counted:
        assert short.transcript_text == whole.transcript_text
    replay(short.transcript)
    replay(whole.transcript)


@quick
@given(bids, bids, asks, asks, st.integers(1, 60), st.binary(min_size=4, max_size=4), st.booleans())
def test_nor_in_a_stack_whose_provers_are_drawn_by_lot(
    above: Bids, below: Bids, large: Asks, small: Asks, reference: int, beacon: bytes, blinds: bool
) -> None:
    supplies = [
        {lane: replace(one, prover_id=f"{lanes[0][-5:]}{one.prover_id}") for lane in lanes}
        for of_lane, lanes in ((large, LANES), (small, LANES[1:]))
        for one in supplies_of(of_lane)
    ]
    blinding = Blinding(bytes(SECRET_BYTES))
    cheapest = {lane: min([one[lane].ask_price for one in supplies if lane in one]) for lane in LANES}
    outcomes = []
    for counts in (False, True):
        stack = []
        for lane, found in zip(LANES, (above, below), strict=True):
            demands = demands_of(found, lane)
            named, counted = divided(demands, cheapest[lane] if counts else 0)
            stack.append(
                LaneDemands(
                    lane=lane,
                    number=1,
                    previous=None,
                    reference=reference,
                    demands=blinding.demands(named) if blinds else named,
                    counted=blinding.lone_bids(counted) if blinds else counted,
                    anchor=reference,
                )
            )
        programs = frozenset("xyz")
        provers = [blinding.supplies(one, demanded=programs) for one in supplies] if blinds else supplies
        outcomes.append(run_stack(stack, provers, beacon=beacon))
    whole, short = outcomes
    assert [what_came_of(one, cheapest[one.lane]) for one in short] == [
        what_came_of(one, cheapest[one.lane]) for one in whole
    ]
    assert [one.transcript["draw"] for one in short] == [one.transcript["draw"] for one in whole]
    for one in short:
        replay(one.transcript)


def a_record() -> dict[str, Any]:
    named = demands_of([(30, 1, frozenset(), "x", 0), (9, 2, frozenset(), "x", 0)])
    counted = {LoneBid(8, 50, "y"): 3, LoneBid(7, 50, "x"): 1, LoneBid(2, 50, "z"): 1}
    return run_round(
        RoundInputs(
            lane=LANES[1],
            number=3,
            previous=None,
            beacon=b"beacon",
            reference=20,
            demands=named,
            supplies=supplies_of([(10, 2, frozenset("xy"), 0), (12, 3, frozenset("z"), 0)]),
            anchor=20,
            counted=CountedBids.of(counted, floor=5, ceil=80),
        )
    ).transcript


def test_a_record_says_how_many_bid_what_and_which_programs_count() -> None:
    record = a_record()
    assert record["counted"] == {"prices": [[8, 3], [7, 1], [2, 1]], "programs": ["x", "y"]}
    assert record["version"] == 4
    assert [bid["limit_price"] for bid in record["bids"]] == [30, 9]
    replay(record)


@pytest.mark.parametrize(
    "counted",
    [
        {"prices": [[8, 2], [7, 1], [2, 1]], "programs": ["x", "y"]},  # one is missing
        {"prices": [[8, 3], [7, 1], [3, 1]], "programs": ["x", "y"]},
        {"prices": [[8, 3], [7, 1], [2, 1]], "programs": ["x"]},
        {"prices": [[8, 3], [7, 1], [2, 1]], "programs": ["y", "x"]},
        {"prices": [[8, 3], [7, 1], [2, 1]], "programs": "xy"},
        {"prices": [[7, 1], [8, 3], [2, 1]], "programs": ["x", "y"]},
        {"prices": [[8, 2], [8, 1], [7, 1], [2, 1]], "programs": ["x", "y"]},
        {"prices": [[10, 3]], "programs": ["x", "y"]},  # could be bought
        {"prices": [[9, 3]], "programs": ["x", "y"]},  # somebody with a name bids as much
        {"prices": [[8, 0]], "programs": []},
        {"prices": [[8, -1]], "programs": []},
        {"prices": [[-1, 1]], "programs": []},
        {"prices": [[8, 2**40]], "programs": []},
        {"prices": [[8, True]], "programs": []},
        {"prices": [[8, 1.0]], "programs": []},
        {"prices": [["8", 1]], "programs": []},
        {"prices": [[8]], "programs": []},
        {"prices": [8], "programs": []},
        {"prices": {"8": 1}, "programs": []},
        {"prices": [], "programs": []},
        {"prices": [[8, 3], [7, 1], [2, 1]], "programs": ["x", "y"], "more": 1},
        {"prices": [[8, 3], [7, 1], [2, 1]]},
        [[8, 3]],
        None,
    ],
)
def test_a_record_that_counts_otherwise_is_refused(counted: object) -> None:
    record = copy.deepcopy(a_record())
    record["counted"] = counted
    with pytest.raises(TranscriptMismatch):
        replay(record)


def test_counts_are_sealed_with_the_orders_and_belong_to_their_version() -> None:
    record = a_record()
    for changed in ({"version": 3}, {"version": 5}, {"input_digest": "0" * 64}):
        with pytest.raises(TranscriptMismatch):
            replay({**record, **changed})
    del record["counted"]
    with pytest.raises(TranscriptMismatch):
        replay(record)


def test_a_round_refuses_counts_that_name_nobody_less() -> None:
    with pytest.raises(InvalidField) as caught:
        CountedBids(prices=((8, 2**20), (7, 1)))
    assert caught.value.field == "counted.prices"
    assert CountedBids.of({}, floor=0, ceil=9).prices == ()
