from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import BudgetTooSmall, DeadlinePassed, InvalidField, InvalidRequest
from proofgrid.primitives.money import UNITS_MAX
from proofgrid.rules.jobs.classes import GIB, JobClass, class_of, parse_class
from proofgrid.rules.jobs.ladder import Ladder
from proofgrid.rules.jobs.limits import Bucket, Rate, after_taking, wait_ms
from proofgrid.rules.jobs.offers import check_terms
from proofgrid.rules.jobs.request import DEADLINE_MAX_MS, calculate_escrow, check_request
from tests.makers import NOW_MS, a_request, some_terms


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        ({"inputs": ()}, InvalidField, "inputs"),
        ({"inputs": (1, 2, 3)}, InvalidField, "inputs"),
        ({"limit_price": 0, "ladder": Ladder(permille=10, every_ms=1_000, price_max=9)}, InvalidField, "limit_price"),
        ({"limit_price": -5}, InvalidField, "limit_price"),
        ({"budget": -1}, InvalidField, "budget"),
        ({"idempotency_key": ""}, InvalidField, "idempotency_key"),
        ({"idempotency_key": "x" * 129}, InvalidField, "idempotency_key"),
        ({"deadline_ms": NOW_MS}, DeadlinePassed, "deadline_ms"),
        ({"deadline_ms": NOW_MS + DEADLINE_MAX_MS + 1}, InvalidField, "deadline_ms"),
    ],
)
def test_a_request_outside_a_rule_is_refused_by_field(
    changes: dict[str, object], kind: type[InvalidRequest], field: str
) -> None:
    with pytest.raises(kind) as caught:
        check_request(a_request(**changes), inputs_max=2, now_ms=NOW_MS)
    assert caught.value.field == field


def test_a_valid_request_passes() -> None:
    check_request(a_request(deadline_ms=NOW_MS + 1), inputs_max=1, now_ms=NOW_MS)


def test_a_budget_below_the_escrow_names_both_ways_out() -> None:
    with pytest.raises(BudgetTooSmall) as caught:
        calculate_escrow(a_request(limit_price=10, budget=99), units=10)
    assert "raise the budget to 0.0000001 tokens" in caught.value.hint
    assert "limit price to 0.009/M" in caught.value.hint


@given(price=st.integers(1, 2**40), units=st.integers(1, 2**20))
def test_the_escrow_is_limit_price_times_units(price: int, units: int) -> None:
    assert calculate_escrow(a_request(limit_price=price), units=units) == price * units


def test_an_escrow_beyond_every_amount_is_refused() -> None:
    with pytest.raises(InvalidField):
        calculate_escrow(a_request(limit_price=2**62), units=2)


def test_a_request_may_need_as_many_units_as_can_be_counted_and_no_more() -> None:
    assert UNITS_MAX == 2**31 - 1  # what a column of the database holds
    assert calculate_escrow(a_request(limit_price=1), units=UNITS_MAX) == UNITS_MAX
    with pytest.raises(InvalidField) as caught:
        calculate_escrow(a_request(limit_price=1), units=UNITS_MAX + 1)
    assert caught.value.field == "inputs"


@pytest.mark.parametrize(
    ("units_min", "is_allowed"), [(-1, False), (0, True), (UNITS_MAX, True), (UNITS_MAX + 1, False)]
)
def test_a_least_job_size_is_one_that_a_job_can_have(units_min: int, is_allowed: bool) -> None:
    if is_allowed:
        check_terms(some_terms(units_min=units_min))
    else:
        with pytest.raises(InvalidField):
            check_terms(some_terms(units_min=units_min))


def test_the_same_content_under_another_key_is_the_same_content() -> None:
    assert a_request(idempotency_key="a").content_digest == a_request(idempotency_key="b").content_digest
    assert a_request().content_digest != a_request(limit_price=999).content_digest


@pytest.mark.parametrize(
    ("memory_bytes", "units", "expected"),
    [
        (1, 1, JobClass.SMALL),
        (3 * GIB, 1, JobClass.MEDIUM),
        (1, 100_000, JobClass.MEDIUM),
        (17 * GIB, 1, JobClass.LARGE),
    ],
)
def test_the_class_follows_memory_and_units(memory_bytes: int, units: int, expected: JobClass) -> None:
    assert class_of(memory_bytes=memory_bytes, units=units) is expected


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidField) as caught:
        parse_class("huge")
    assert "small, medium, large" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"asks": {}},
        {"asks": {"toy": 0}},
        {"classes": ()},
        {"slots": 0},
        {"slots": 5_000},
        {"cores": 0},
        {"memory_bytes": 0},
    ],
)
def test_an_offer_outside_a_rule_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidField):
        check_terms(some_terms(**changes))


def take(bucket: Bucket | None, *, now_ms: int, per_second: int, burst: int) -> tuple[Bucket, bool]:
    """Take one where one may be taken."""
    rate = Rate(per_second=per_second, burst=burst)
    if bucket is not None and wait_ms(bucket, rate, 1, now_ms=now_ms):
        return bucket, False
    return after_taking(bucket, rate, 1, now_ms=now_ms), True


@given(gaps=st.lists(st.integers(0, 500), max_size=100), per_second=st.integers(1, 100), burst=st.integers(1, 20))
def test_a_bucket_never_lets_more_pass_than_burst_and_rate(gaps: list[int], per_second: int, burst: int) -> None:
    bucket: Bucket | None = None
    now_ms, passed = NOW_MS, 0
    for gap in gaps:
        now_ms += gap
        bucket, allowed = take(bucket, now_ms=now_ms, per_second=per_second, burst=burst)
        passed += allowed
    assert passed <= burst + (now_ms - NOW_MS) * per_second / 1000


@pytest.mark.parametrize("burst", [1, 2, 20])
def test_a_burst_is_as_many_requests_at_once_and_then_the_rate_counts(burst: int) -> None:
    bucket: Bucket | None = None
    for _ in range(burst):
        bucket, allowed = take(bucket, now_ms=NOW_MS, per_second=2, burst=burst)
        assert allowed
    bucket, allowed = take(bucket, now_ms=NOW_MS + 499, per_second=2, burst=burst)
    assert not allowed
    _, allowed = take(bucket, now_ms=NOW_MS + 500, per_second=2, burst=burst)
    assert allowed


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    bucket, _ = take(None, now_ms=NOW_MS, per_second=1, burst=1)
    bucket, allowed = take(bucket, now_ms=NOW_MS - 3_600_000, per_second=1, burst=1)
    assert not allowed
    _, allowed = take(bucket, now_ms=NOW_MS, per_second=1, burst=1)
    assert not allowed


def test_what_was_had_in_advance_is_waited_for_and_more_than_a_burst_is_had_when_the_bucket_is_full() -> None:
    rate = Rate(per_second=10, burst=20)
    bucket = after_taking(None, rate, 50, now_ms=NOW_MS)
    assert bucket.level_milli == -30_000
    assert wait_ms(bucket, rate, 0, now_ms=NOW_MS) == 3_000
    assert wait_ms(bucket, rate, 1, now_ms=NOW_MS + 3_000) == 100
    assert wait_ms(bucket, rate, 1_000, now_ms=NOW_MS + 4_999) == 1
    assert wait_ms(bucket, rate, 1_000, now_ms=NOW_MS + 5_000) == 0


def test_a_suggested_limit_leaves_the_request_the_same_request() -> None:
    asked = a_request(limit_price=0)
    suggested = [replace(asked, limit_price=limit, estimate=limit) for limit in (1_000, 1_300)]
    assert {one.content_digest for one in suggested} == {asked.content_digest}
    assert replace(asked, limit_price=1_000).content_digest != asked.content_digest
