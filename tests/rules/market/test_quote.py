"""A quote is what the real clearing would do with one more bid, and what recent rounds say of chances."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.market import quote
from proofgrid.rules.market.quote import BEACONS, CHANCES_PERCENT, expected_ms, price_now, prices_for_chances
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
