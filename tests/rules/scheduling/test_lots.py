"""Which lane a prover is drawn for: what a job weighs, and what it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from proofgrid.rules.scheduling.demand_and_supply import JobDemand, ProverSupply, TaskDemand
from proofgrid.rules.scheduling.lots import LaneWanted, draw_lanes
from proofgrid.rules.scheduling.rank import RankHashes

WIDE, NARROW = "net/toy/small", "net/toy/small/aaaa"


def a_lane(lane: str, units: Sequence[int]) -> LaneWanted:
    jobs = tuple(JobDemand(job_id=f"{lane} {place}", units=one) for place, one in enumerate(units))
    demand = TaskDemand(task_id=lane, jobs=jobs, limit_price=10, program_digest="p")
    return LaneWanted(lane=lane, ceil=20, admitted=[demand])


def drawn_to(lane: str, *lanes: LaneWanted, slots: int = 4, provers: int = 7, rounds: int = 60) -> float:
    """Return how many provers are drawn for a lane in the mean, of those that may serve all."""
    total: Counter[str] = Counter()
    supply = {
        f"p{number}": ProverSupply(
            prover_id=f"p{number}", operator=f"o{number}", ask_price=5, free_slots=slots, reputation_bucket=0
        )
        for number in range(provers)
    }
    for number in range(rounds):
        draw = draw_lanes(
            lanes, [dict.fromkeys((WIDE, NARROW), one) for one in supply.values()], hashes=RankHashes(bytes([number]))
        )
        total.update(draw.lane_of().values())
    return total[lane] / rounds


def test_a_hundred_jobs_of_one_unit_draw_next_to_nobody_out_of_the_wide_lane() -> None:
    assert drawn_to(NARROW, a_lane(NARROW, [1] * 100), a_lane(WIDE, [750] * 28)) < 0.3


def test_jobs_of_the_usual_size_draw_their_share_and_larger_ones_no_more() -> None:
    usual = drawn_to(NARROW, a_lane(NARROW, [750] * 14), a_lane(WIDE, [750] * 14))
    huge = drawn_to(NARROW, a_lane(NARROW, [60_000] * 14), a_lane(WIDE, [750] * 14))
    assert usual == huge == pytest.approx(3.5, abs=0.5)


def test_a_huge_job_in_the_wide_lane_takes_nobody_from_a_lane_with_constraints() -> None:
    without = drawn_to(NARROW, a_lane(NARROW, [750] * 7), a_lane(WIDE, [750] * 21))
    with_it = drawn_to(NARROW, a_lane(NARROW, [750] * 7), a_lane(WIDE, [*[750] * 20, 60_000]))
    assert with_it == without


def test_a_prover_of_many_slots_goes_seldom_where_a_single_job_waits() -> None:
    few = drawn_to(NARROW, a_lane(NARROW, [750]), a_lane(WIDE, [750] * 27), slots=1, provers=28, rounds=120)
    many = drawn_to(NARROW, a_lane(NARROW, [750]), a_lane(WIDE, [750] * 27), slots=4, rounds=120)
    assert few == pytest.approx(1, abs=0.4)
    assert many == pytest.approx(few / 4, abs=0.15)


def test_without_bids_in_the_wide_lane_every_job_counts_as_one() -> None:
    assert drawn_to(NARROW, a_lane(NARROW, [1] * 3)) == 7
