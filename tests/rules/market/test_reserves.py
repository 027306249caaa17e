"""Slots offered ahead: what they are sold for, and that no ask and no bid of who trades moves it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.speed import Speed
from proofgrid.rules.market.reserves import (
    Reserve,
    ReservedJob,
    SoldAhead,
    offered_slots,
    price_top,
    sell_ahead,
)

BEACON = b"b" * 32
LANE = "default/toy/small"


def a_job(units: int = 10, memory_bytes: int = 1, lane: str = LANE) -> ReservedJob:
    return ReservedJob(lane=lane, units=units, memory_bytes=memory_bytes)


def a_reserve(name: str, price: int = 900, slots: int = 1, **changes: object) -> Reserve:
    made = Reserve(
        prover_id=name,
        operator=name,
        price=price,
        slots=slots,
        memory_bytes=1 << 30,
        units_min=0,
        units_max=10**6,
        reputation_bucket=0,
        speeds={},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def sold(jobs: int, *reserves: Reserve) -> SoldAhead | None:
    return sell_ahead([a_job()] * jobs, reserves, reference=1_000, beacon=BEACON)


def test_of_two_offers_the_dearer_one_sets_the_price_and_the_cheaper_one_gets_the_seat() -> None:
    found = sold(1, a_reserve("a", 900), a_reserve("b", 1_100))
    assert found is not None
    assert (found.buy_price, found.sell_price) == (1_100, 1_100)
    assert [(seat.position, seat.prover_id) for seat in found.seats] == [(0, "a")]


def test_who_is_alone_sells_at_the_markets_own_price_or_not_at_all() -> None:
    found = sold(1, a_reserve("a", 400))
    assert found is not None
    assert (found.buy_price, found.sell_price) == (1_000, 1_000)
    assert sold(1, a_reserve("a", 1_001)) is None


def test_a_request_of_several_jobs_has_a_seat_for_each_or_none() -> None:
    reserves = [a_reserve("a", 700, slots=2), a_reserve("b", 750, slots=2)]
    found = sold(3, *reserves)
    assert found is not None
    assert [seat.position for seat in found.seats] == [0, 1, 2]
    assert {seat.prover_id for seat in found.seats} == {"a", "b"}
    assert sold(5, *reserves) is None
    assert offered_slots([a_job()] * 5, reserves, reference=1_000) == (4, 4)


def test_no_request_takes_more_than_half_of_what_four_or_more_offer() -> None:
    reserves = [a_reserve(name, 700) for name in "abcd"]
    assert sold(2, *reserves) is not None
    assert sold(3, *reserves) is None
    assert offered_slots([a_job()], reserves, reference=1_000) == (4, 2)


@pytest.mark.parametrize(
    "changes", [{"memory_bytes": 0}, {"units_min": 11}, {"units_max": 9}, {"slots": 0}, {"price": 4_001}]
)
def test_who_may_not_have_every_job_is_no_offer(changes: dict[str, int]) -> None:
    alone = sold(1, a_reserve("a", 900))
    both = sold(1, a_reserve("a", 900), a_reserve("b", **changes))
    assert alone is not None
    assert both is not None
    assert replace(both, record="") == replace(alone, record="")


def test_memory_is_for_all_jobs_of_a_prover_together() -> None:
    jobs = [a_job(memory_bytes=30), *[a_job()] * 8]
    assert a_reserve("a", slots=9, memory_bytes=100).slots_for(jobs) == 3


def test_more_slots_than_the_request_has_jobs_change_nothing() -> None:
    few = sold(1, a_reserve("a", 900), a_reserve("b", 1_100))
    many = sold(1, a_reserve("a", 900, slots=100), a_reserve("b", 1_100, slots=7))
    assert few == many


def test_the_time_is_that_of_the_slowest_by_what_it_did_so_far() -> None:
    slow = Speed(units=100, wall_ms=10_000, samples=3)
    found = sold(1, a_reserve("a", 900, speeds={LANE: slow}), a_reserve("b", 1_000))
    assert found is not None
    assert found.expected_ms == 1_000
    unknown = sold(1, a_reserve("a", 900), a_reserve("b", 1_000))
    assert unknown is not None
    assert unknown.expected_ms == 10


def test_the_record_says_all_that_went_in_and_came_out() -> None:
    found = sold(1, a_reserve("a", 900), a_reserve("b", 1_100))
    assert found is not None
    record = json.loads(found.record)
    assert (record["slots"], record["reference"], record["sell_price"], record["sold"]) == (1, 1_000, 1_100, [["a", 1]])
    assert {one["id"]: one["price"] for one in record["asks"]} == {"a": 900, "b": 1_100}


prices = st.integers(1, 5_000)
books = st.lists(st.tuples(prices, st.integers(1, 4)), min_size=1, max_size=6)


@given(books, st.integers(1, 6), st.integers(1, 2_000))
def test_whoever_sells_gets_his_ask_at_least_and_nobody_pays_beyond_the_window(
    book: list[tuple[int, int]], jobs: int, reference: int
) -> None:
    reserves = [a_reserve(f"p{place}", price, slots) for place, (price, slots) in enumerate(book)]
    found = sell_ahead([a_job()] * jobs, reserves, reference=reference, beacon=BEACON)
    if found is None:
        return
    asked = {one.prover_id: one for one in reserves}
    assert found.sell_price <= found.buy_price <= price_top(reference)
    assert len(found.seats) == jobs
    for name in {seat.prover_id for seat in found.seats}:
        assert asked[name].price <= found.sell_price
        assert sum(seat.prover_id == name for seat in found.seats) <= asked[name].slots


@given(books, st.integers(1, 6), st.integers(1, 2_000), st.data())
def test_no_other_ask_earns_more_than_the_true_one(
    book: list[tuple[int, int]], jobs: int, reference: int, data: st.DataObject
) -> None:
    reserves = [a_reserve(f"p{place}", price, slots) for place, (price, slots) in enumerate(book)]
    liar = data.draw(st.integers(0, len(reserves) - 1))
    lies = [*reserves]
    lies[liar] = replace(reserves[liar], price=data.draw(prices))

    def earned(offers: list[Reserve]) -> int:
        found = sell_ahead([a_job()] * jobs, offers, reference=reference, beacon=BEACON)
        if found is None:
            return 0
        return sum(found.sell_price - reserves[liar].price for seat in found.seats if seat.prover_id == f"p{liar}")

    assert earned(lies) <= max(0, earned(reserves))


def test_what_waits_for_others_begins_when_they_end_and_the_longest_chain_is_the_time_of_all() -> None:
    speed = Speed(units=1_000, wall_ms=1_000, samples=3)  # a PU takes a millisecond
    units = (10, 40, 5, 7)
    jobs = [replace(a_job(one), depends_on=taken) for one, taken in zip(units, ((), (), (0, 1), (2,)), strict=True)]
    found = sell_ahead(jobs, [a_reserve("a", slots=4, speeds={LANE: speed})], reference=1_000, beacon=BEACON)
    assert found is not None
    assert [seat.starts_ms for seat in found.seats] == [0, 0, 40, 45]
    assert [seat.ends_ms for seat in found.seats] == [10, 40, 45, 0]  # nobody waits for the last one
    assert found.expected_ms == 52


def test_jobs_that_wait_for_nobody_have_no_time_of_their_own() -> None:
    found = sold(3, a_reserve("a", slots=3))
    assert found is not None
    assert {(seat.starts_ms, seat.ends_ms) for seat in found.seats} == {(0, 0)}
