"""Jobs on the line of provers: the slot decides, exclusions move on, room is kept."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.rules.scheduling.demand_and_supply import JobDemand
from proofgrid.rules.scheduling.placement import Placement, Stretch, place_jobs

quick = settings(deadline=None, derandomize=True, max_examples=200)


def a_job(job_id: str, units: int, *excluded: str) -> JobDemand:
    return JobDemand(job_id=job_id, units=units, excluded=frozenset(excluded))


def a_stretch(prover_id: str, sold: int, slots: int | None = None) -> Stretch:
    return Stretch(prover_id=prover_id, sold=sold, slots=sold if slots is None else slots)


def provers_of(placements: tuple[Placement, ...]) -> dict[str, str]:
    return {placement.job_id: placement.prover_id for placement in placements}


def test_a_job_goes_to_the_prover_whose_slot_it_falls_on_whatever_its_size() -> None:
    line = [a_stretch("p", 2), a_stretch("q", 1), a_stretch("r", 1, 4)]
    winners = [("a", [a_job("a1", 6), a_job("a2", 4_000)]), ("b", [a_job("b1", 12), a_job("b2", 3)])]

    placements, unsold = place_jobs(winners, line, sell_price=7)

    assert provers_of(placements) == {"a1": "p", "a2": "p", "b1": "q", "b2": "r"}
    assert [placement.task_id for placement in placements] == ["a", "a", "b", "b"]
    assert {(placement.sell_price, placement.units) for placement in placements} == {
        (7, 6),
        (7, 4_000),
        (7, 12),
        (7, 3),
    }
    assert unsold == ()


def test_an_excluded_job_moves_on_around_the_end_of_the_line() -> None:
    line = [a_stretch("p", 1, 4), a_stretch("q", 1)]

    placements, _ = place_jobs([("t", [a_job("j", 5), a_job("k", 5, "q")])], line, sell_price=7)

    assert provers_of(placements) == {"j": "p", "k": "p"}


def test_a_moved_job_takes_no_room_from_a_job_that_lies_well() -> None:
    line = [a_stretch("p", 1), a_stretch("q", 1), a_stretch("r", 0, 1)]

    placements, unsold = place_jobs([("t", [a_job("moved", 5, "p"), a_job("settled", 5)])], line, sell_price=7)

    assert provers_of(placements) == {"moved": "r", "settled": "q"}
    assert unsold == ()


def test_a_job_without_any_room_is_left_unsold_and_the_others_stay() -> None:
    line = [a_stretch("p", 1), a_stretch("q", 1), a_stretch("r", 0, 0)]

    placements, unsold = place_jobs([("t", [a_job("homeless", 5, "p"), a_job("settled", 5)])], line, sell_price=7)

    assert provers_of(placements) == {"settled": "q"}
    assert unsold == ("homeless",)


@quick
@given(st.data())
def test_nobody_gets_more_jobs_than_it_has_slots(data: st.DataObject) -> None:
    slots = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    provers = [f"p{i}" for i in range(len(slots))]
    count = data.draw(st.integers(0, sum(slots)))
    jobs = [
        a_job(f"j{i}", data.draw(st.integers(1, 99)), *data.draw(st.frozensets(st.sampled_from(provers), max_size=2)))
        for i in range(count)
    ]
    left, line = count, []
    for prover, free in zip(provers, slots, strict=True):
        line.append(a_stretch(prover, min(left, free), free))
        left -= line[-1].sold

    placements, unsold = place_jobs([("t", jobs)], line, sell_price=7)

    assert sorted([placement.job_id for placement in placements] + list(unsold)) == sorted(j.job_id for j in jobs)
    for prover, free in zip(provers, slots, strict=True):
        assert sum(placement.prover_id == prover for placement in placements) <= free
