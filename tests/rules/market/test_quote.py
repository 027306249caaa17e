"""A quote is what the real clearing would do with one more bid, and what recent rounds say of chances."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.market import quote
from proofgrid.rules.market.quote import (
    BEACONS,
    CHANCES_PERCENT,
    LaneQuote,
    estimate,
    expected_ms,
    price_now,
    prices_for_chances,
    suggested_limit,
)
from proofgrid.rules.market.rounds import RoundOutcome
from proofgrid.rules.market.stack import LaneDemands, Supplies, run_stack
from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand

LANE = "default/toy/small"
JOBS = (JobDemand(job_id="mine", units=10),)


def a_lane(*limits: int, reference: int = 1_000) -> LaneDemands:
    demands = [
        TaskDemand(
            task_id=f"t{place}", jobs=(JobDemand(job_id=f"j{place}", units=10),), limit_price=limit, program_digest="p"
        )
        for place, limit in enumerate(limits)
    ]
    return LaneDemands(lane=LANE, number=1, previous=None, reference=reference, demands=demands)


def provers(*asks: int, slots: int = 1) -> list[dict[str, ProverSupply]]:
    return [
        {
            LANE: ProverSupply(
                prover_id=f"o{place}/p", operator=f"o{place}", ask_price=ask, free_slots=slots, reputation_bucket=0
            )
        }
        for place, ask in enumerate(asks)
    ]


def test_a_lone_prover_sells_at_the_reference_or_not_at_all() -> None:
    assert price_now([a_lane()], provers(700), LANE, JOBS, program="p") == 1_000
    assert price_now([a_lane()], provers(1_100), LANE, JOBS, program="p") is None


def test_a_price_is_one_at_which_somebody_left_and_demand_drives_it() -> None:
    calm = price_now([a_lane()], provers(700, 800, 900), LANE, JOBS, program="p")
    crowded = price_now([a_lane(1_400, 1_500, 1_600)], provers(700, 800, 900), LANE, JOBS, program="p")
    assert calm is not None
    assert crowded is not None
    assert calm <= 1_000 < crowded <= 1_600


def test_nobody_free_is_no_price() -> None:
    assert price_now([a_lane()], [], LANE, JOBS, program="p") is None


@pytest.mark.parametrize(("lucky", "found"), [(7, 1_000), (4, 1_000), (3, None), (0, None)])
def test_a_price_is_one_that_sells_more_often_than_not(
    lucky: int, found: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lots decide which of the seven rounds sell: in so many of them there is a prover."""
    held = 0

    def run(lanes: Sequence[LaneDemands], supplies: Sequence[Supplies], *, beacon: bytes) -> tuple[RoundOutcome, ...]:
        nonlocal held
        held += 1
        return run_stack(lanes, supplies if held <= lucky else [], beacon=beacon)

    monkeypatch.setattr(quote, "run_stack", run)
    assert price_now([a_lane()], provers(700), LANE, JOBS, program="p") == found
    assert held == BEACONS == 7


@given(st.lists(st.integers(1, 10_000), max_size=60), st.integers(1, 10_000))
def test_a_chance_is_the_share_of_rounds_that_the_limit_would_have_traded_in(prices: list[int], reference: int) -> None:
    limits = prices_for_chances(prices, reference=reference)
    known = prices or [reference]
    for percent in CHANCES_PERCENT:
        assert sum(price <= limits[percent] for price in known) * 100 >= percent * len(known)
        assert limits[percent] in known
    assert limits[50] <= limits[90] <= limits[99]


@pytest.mark.parametrize(
    ("units", "waiting", "slots", "expected"),
    [
        ([1_000], 0, 1, (0, 1_000)),
        ([1_000] * 4, 0, 2, (0, 2_000)),
        ([1_000], 6_000, 2, (3_000, 1_000)),
        ([1_000], 0, 0, (0, 0)),
    ],
)
def test_time_is_what_waits_and_what_runs_side_by_side(
    units: list[int], waiting: int, slots: int, expected: tuple[int, int]
) -> None:
    found = expected_ms(units, waiting_units=waiting, slots=slots, units_per_second=1_000)
    assert found == expected


def a_quote(*, price_now: int | None, likely: int) -> LaneQuote:
    """Return what a lane says; `likely`: what sold in nine of ten rounds."""
    prices = {50: likely - 1, 90: likely, 99: 10 * likely}
    return LaneQuote(
        lane=LANE,
        jobs=1,
        units=10,
        memory_bytes_max=1,
        price_now=price_now,
        prices=prices,
        provers=1,
        free_slots=1,
        wait_ms=0,
        prove_ms=0,
    )


def test_the_estimate_is_the_dearest_lanes_price_now_or_what_mostly_sold() -> None:
    assert estimate([a_quote(price_now=700, likely=5_000), a_quote(price_now=900, likely=1)]) == 900
    assert estimate([a_quote(price_now=700, likely=5_000), a_quote(price_now=None, likely=1_100)]) == 1_100


@pytest.mark.parametrize(
    ("budget", "balance", "limit"),
    [
        (0, 10**9, 1_202),  # a fifth above, rounded up
        (0, 11_009, 1_100),  # all that the client holds, as long as it pays for the estimate
        (0, 5_000, 1_001),  # not that: refused for its funds, and nothing is bid that cannot win
        (9_999, 10**9, 999),
        (5, 10**9, 1),
    ],
)
def test_the_suggested_limit_stays_within_budget_and_account(budget: int, balance: int, limit: int) -> None:
    assert suggested_limit(1_001, units=10, budget=budget, balance=balance) == limit


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(0, 10**15), st.integers(0, 10**15))
def test_a_suggested_limit_is_never_more_than_a_fifth_above_nor_than_what_is_there(
    said: int, units: int, budget: int, balance: int
) -> None:
    limit = suggested_limit(said, units=units, budget=budget, balance=balance)

    assert 1 <= limit <= max(1, -(-said * 12 // 10))
    assert limit == 1 or not budget or limit * units <= budget
    assert limit * units <= balance or limit <= max(1, said)
