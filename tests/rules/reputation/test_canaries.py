"""Canaries: directed at one operator, the unknown ones first, within a budget, by keys that all gateways share."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.ids import Address
from proofgrid.rules.jobs.request import IDEMPOTENCY_KEY_CHARS_MAX
from proofgrid.rules.reputation import canaries
from proofgrid.rules.reputation.canaries import HOUR_MS, LIFE_MS, OPERATOR_SHARE, Candidate

NOW_MS = 1_700_000_000_000
AMOUNTS = st.integers(0, 10**12)


def an_operator(name: str, *, proven: int = 0, system: str = "toy") -> Candidate:
    return Candidate(operator=Address(name), engines=frozenset([system]), jobs_proven=proven)


OLD, NEW, OTHER = an_operator("old", proven=9), an_operator("new"), an_operator("other", system="ezkl")


@given(st.integers(0, 2**64))
def test_whoever_has_no_verified_job_is_tried_first(draw: int) -> None:
    assert canaries.choose([OLD, NEW, OTHER], engine="toy", draw=draw) == NEW
    assert canaries.choose([OLD, OTHER], engine="toy", draw=draw) == OLD
    assert canaries.choose([OTHER], engine="toy", draw=draw) is None


def test_a_canary_accepts_its_operator_and_nobody_else() -> None:
    wanted = canaries.directed_at(NEW)
    assert wanted.accepts(operator="new", region="", stake=0)
    assert not wanted.accepts(operator="old", region="", stake=10**18)


def test_a_canary_bids_the_least_of_its_lanes_references() -> None:
    assert canaries.limit_price([900, 1_000]) == 900


def test_new_operators_are_those_with_fewer_than_eight_verified_jobs() -> None:
    operators = [an_operator("seven", proven=7), an_operator("eight", proven=8), NEW, OTHER]
    assert [one.operator for one in canaries.newcomers(operators, engine="toy")] == ["seven", "new"]


@given(
    costs=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10**9))), budget=AMOUNTS, carries=AMOUNTS | st.none()
)
def test_no_sequence_of_canaries_costs_more_than_the_budget_or_an_operators_part(
    costs: list[tuple[int, int]], budget: int, carries: int | None
) -> None:
    spent: dict[int, int] = {}
    for place, cost in costs:
        target = replace(NEW, carries=carries, spent=spent.get(place, 0))
        if canaries.is_affordable(cost, target, spent=sum(spent.values()), budget=budget):
            spent[place] = spent.get(place, 0) + cost
    assert sum(spent.values()) <= budget
    for of_one in spent.values():
        assert of_one <= budget // OPERATOR_SHARE
        assert carries is None or of_one <= carries


@given(st.integers(1, 36_000), st.integers(0, 10**6), st.integers(0, 2**64))
def test_a_canary_falls_into_its_own_interval(per_hour: int, occasion: int, draw: int) -> None:
    interval = canaries.interval_ms(per_hour)
    assert interval == HOUR_MS // per_hour
    assert canaries.due_ms(occasion, interval=interval, draw=draw) // interval == occasion


def test_a_new_operators_canary_has_one_name_until_it_proves_it_or_the_time_for_it_is_over() -> None:
    key = canaries.newcomer_key(NEW, now_ms=NOW_MS)
    assert key == canaries.newcomer_key(NEW, now_ms=NOW_MS + 1)
    assert key != canaries.newcomer_key(NEW, now_ms=NOW_MS + LIFE_MS)
    assert key != canaries.newcomer_key(an_operator("new", proven=1), now_ms=NOW_MS)
    longest = an_operator(f"0x{'a' * 40}", proven=7)
    assert len(canaries.newcomer_key(longest, now_ms=NOW_MS)) <= IDEMPOTENCY_KEY_CHARS_MAX
