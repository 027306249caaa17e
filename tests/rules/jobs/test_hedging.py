from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.hedging import (
    Hedge,
    HedgeJob,
    HedgePolicy,
    HedgeSupply,
    KindStats,
    RunningLease,
    enters_round,
    hedge_price,
    is_slow,
    kind_stats,
    left_of_job,
    loser_share,
    should_hedge,
    slow_at_ms,
    us_per_unit,
)
from proofgrid.rules.jobs.lifecycle import LeaseKind, LeaseState
from tests.makers import NOW_MS

POLICY = HedgePolicy()
KIND = KindStats(samples=100, median_us_per_unit=1_000, p95_us_per_unit=2_000)
JOB = HedgeJob(units=10_000, deadline_ms=NOW_MS + 3_600_000, limit_price=1_500, hedges=0)
LEASE = RunningLease(
    kind=LeaseKind.FIRST,
    state=LeaseState.RUNNING,
    operator="0xslow",
    buy_price=1_000,
    sell_price=900,
    started_ms=NOW_MS,
    permille=0,
)
ROOM = HedgeSupply(free_slots_elsewhere=3, jobs_ready=2, leases_held=50, hedges_open=4)
#: 2 s to start, and 10,000 PU at p95 take 20 s; a quarter more is slow
SLOW_MS = NOW_MS + 2_000 + 25_000


def a_decision(
    job: HedgeJob = JOB,
    lease: RunningLease = LEASE,
    kind: KindStats | None = KIND,
    supply: HedgeSupply = ROOM,
    now_ms: int = SLOW_MS,
) -> Hedge | None:
    return should_hedge(job, lease, kind, supply, POLICY, now_ms=now_ms)


# --- what is slow --------------------------------------------------------------------------------


def test_the_p95_is_the_sample_that_nineteen_of_twenty_do_not_exceed() -> None:
    kind = kind_stats(range(100, 0, -1), POLICY)
    assert kind == KindStats(samples=100, median_us_per_unit=50, p95_us_per_unit=95)


def test_one_outlier_among_twenty_does_not_make_the_rule() -> None:
    kind = kind_stats([10] * 19 + [10**9], POLICY)
    assert kind is not None
    assert kind.p95_us_per_unit == 10


def test_too_few_samples_say_nothing() -> None:
    assert kind_stats([10] * (POLICY.samples_min - 1), POLICY) is None
    assert kind_stats([10] * POLICY.samples_min, POLICY) is not None
    assert kind_stats([], HedgePolicy(samples_min=0)) is None


@given(samples=st.lists(st.integers(0, 10**9), min_size=20, max_size=300))
def test_at_most_one_lease_in_twenty_lies_above_the_p95(samples: list[int]) -> None:
    kind = kind_stats(samples, POLICY)
    assert kind is not None
    assert kind.p95_us_per_unit in samples
    assert sum(sample > kind.p95_us_per_unit for sample in samples) * 20 <= len(samples)
    assert kind.median_us_per_unit <= kind.p95_us_per_unit


def test_a_sample_is_time_per_unit_in_whole_microseconds() -> None:
    assert us_per_unit(10_000, 25_000) == 2_500
    assert us_per_unit(7, 1) == 142
    assert type(us_per_unit(7, 1)) is int
    assert us_per_unit(1, 0) == us_per_unit(1, -5) == 0


def test_the_moment_is_a_whole_millisecond_rounded_up() -> None:
    odd = KindStats(samples=100, median_us_per_unit=1, p95_us_per_unit=333)
    at_ms = slow_at_ms(LEASE, 7, odd, POLICY)
    assert (at_ms, type(at_ms)) == (NOW_MS + 2_000 + 3, int)  # 7 PU of 333 us take 2.33 ms, a quarter more 2.91


def test_a_lease_is_slow_from_a_quarter_beyond_the_p95_on() -> None:
    assert slow_at_ms(LEASE, JOB.units, KIND, POLICY) == SLOW_MS
    assert not is_slow(LEASE, JOB.units, KIND, POLICY, now_ms=SLOW_MS - 1)
    assert is_slow(LEASE, JOB.units, KIND, POLICY, now_ms=SLOW_MS)


@pytest.mark.parametrize("state", [state for state in LeaseState if state is not LeaseState.RUNNING])
def test_only_a_running_lease_is_slow(state: LeaseState) -> None:
    assert not is_slow(replace(LEASE, state=state), JOB.units, KIND, POLICY, now_ms=2**60)


# --- whether to hedge ----------------------------------------------------------------------------


def test_a_straggler_is_hedged_elsewhere_at_a_price_that_fits_the_limit() -> None:
    # (1500 - 1000) / 0.5 = 1000; 1500 - 0.25 * 900 = 1275
    assert a_decision() == Hedge(price=1_000, excluded_operator="0xslow", until_ms=SLOW_MS + POLICY.wish_ms)


@pytest.mark.parametrize(
    "changes",
    [
        {"now_ms": SLOW_MS - 1},
        {"kind": None},
        {"lease": replace(LEASE, kind=LeaseKind.HEDGE)},
        {"lease": replace(LEASE, state=LeaseState.REPORTED)},
        {"lease": replace(LEASE, permille=950)},
        {"job": replace(JOB, allowed=False)},
        {"job": replace(JOB, hedges=POLICY.hedges_max)},
        {"job": replace(JOB, deadline_ms=SLOW_MS + 12_000)},
        {"job": replace(JOB, limit_price=1_200)},
        {"job": replace(JOB, limit_price=1_000)},
        {"supply": replace(ROOM, free_slots_elsewhere=0, jobs_ready=0)},
        {"supply": replace(ROOM, jobs_ready=3)},
        {"supply": replace(ROOM, hedges_open=5)},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_no_hedge_without_every_one_of_its_conditions(changes: dict[str, object]) -> None:
    assert a_decision(**changes) is None  # type: ignore[arg-type]


def test_the_least_price_of_a_hedge_is_still_bid() -> None:
    # (1,250 - 1,000) / 0.5 = 500, which is half of the first price; a unit less leaves 498.
    found = a_decision(job=replace(JOB, limit_price=1_250))
    assert found is not None
    assert found.price == 500 == LEASE.buy_price * POLICY.price_least_permille // 1_000
    assert a_decision(job=replace(JOB, limit_price=1_249)) is None


def test_one_hedge_is_allowed_in_the_smallest_lane() -> None:
    assert a_decision(supply=replace(ROOM, leases_held=1, hedges_open=0)) is not None
    assert a_decision(supply=replace(ROOM, leases_held=1, hedges_open=1)) is None


def test_what_would_be_done_before_a_second_lease_is_left_alone() -> None:
    """A second lease usually takes 12 s: 2 to start, and 10,000 PU at the median. Slow after 27."""
    for permille, is_alone in ((693, False), (692, False), (691, True)):  # the rest takes 11.96, 12.02 and 12.07 s
        supposed_ms = (SLOW_MS - NOW_MS) * (1_000 - permille) // permille
        assert (supposed_ms >= 12_000) == (a_decision(lease=replace(LEASE, permille=permille)) is not None), is_alone
    # Whose first word is all that was heard is not nearly done.
    assert a_decision(lease=replace(LEASE, permille=1)) is not None


def test_the_cheapest_hedge_is_one_base_unit() -> None:
    cheap = replace(LEASE, buy_price=0, sell_price=0)
    assert a_decision(job=replace(JOB, limit_price=1), lease=cheap) == Hedge(
        price=1, excluded_operator="0xslow", until_ms=SLOW_MS + POLICY.wish_ms
    )
    assert a_decision(job=replace(JOB, limit_price=0), lease=cheap) is None


def test_of_ten_leases_one_may_be_hedged_and_of_nineteen_too() -> None:
    assert a_decision(supply=replace(ROOM, leases_held=19, hedges_open=1)) is None
    assert a_decision(supply=replace(ROOM, leases_held=20, hedges_open=1)) is not None


def test_almost_done_is_believed_for_a_while_only() -> None:
    lease = replace(LEASE, permille=999)
    assert a_decision(lease=lease) is None
    assert a_decision(lease=lease, now_ms=NOW_MS + 2 * (SLOW_MS - NOW_MS) - 1) is None
    assert a_decision(lease=lease, now_ms=NOW_MS + 2 * (SLOW_MS - NOW_MS)) is not None


def test_a_wish_shares_the_rounds_with_the_other_jobs_of_its_task() -> None:
    assert [enters_round(number, has_ready_jobs=True) for number in range(4)] == [True, False, True, False]
    assert all(enters_round(number, has_ready_jobs=False) for number in range(4))


# --- what it costs -------------------------------------------------------------------------------

prices = st.integers(0, 10**9)
units_of_jobs = st.integers(1, 10**6)
policies = st.builds(
    HedgePolicy, straggler_share_permille=st.integers(1, 1_000), hedge_share_permille=st.integers(1, 1_000)
)


@given(
    limit=prices, buy=prices, sell=prices, part=st.integers(0, 1_000), surplus=prices, units=units_of_jobs, p=policies
)
def test_both_endings_of_a_hedge_are_paid_in_full_within_the_limit(
    limit: int, buy: int, sell: int, part: int, surplus: int, units: int, p: HedgePolicy
) -> None:
    buy = min(buy, limit)
    sell = min(sell, buy)
    most = hedge_price(limit, replace(LEASE, buy_price=buy, sell_price=sell), p)
    if most < 0:
        return
    second_buy = most * part // 1_000
    second_sell = max(0, second_buy - surplus)
    budget = limit * units

    straggler = loser_share(LeaseKind.FIRST, shown_permille=1_000, sell_price=sell, units=units, left=budget, policy=p)
    assert second_buy * units + straggler <= budget
    hedge = loser_share(
        LeaseKind.HEDGE, shown_permille=1_000, sell_price=second_sell, units=units, left=budget, policy=p
    )
    assert buy * units + hedge <= budget


@given(kind=st.sampled_from(LeaseKind), shown=st.integers(-5, 3_000), price=prices, units=units_of_jobs, left=prices)
def test_a_loser_gets_its_share_of_what_it_shows_and_never_more_than_is_left(
    kind: LeaseKind, shown: int, price: int, units: int, left: int
) -> None:
    share = loser_share(kind, shown_permille=shown, sell_price=price, units=units, left=left, policy=POLICY)
    assert 0 <= share <= left
    assert share <= price * units * POLICY.share_permille(kind) // 1_000
    if shown <= 0:
        assert share == 0


def test_shares_of_a_hedge_are_rounded_so_that_the_escrow_is_enough() -> None:
    # A share is rounded down: 999 * 3 * 0.333 * 0.25 = 249.5
    assert loser_share(LeaseKind.FIRST, shown_permille=333, sell_price=999, units=3, left=10**9, policy=POLICY) == 249
    # What is put by for it is rounded up: 1,000 - 0.25 * 901, rounded up to 226; and (1,000 - 3) / 0.3 = 3,323.3
    policy = HedgePolicy(hedge_share_permille=300)
    assert hedge_price(1_000, replace(LEASE, buy_price=0, sell_price=901), policy) == 1_000 - 226
    assert hedge_price(9_000, replace(LEASE, buy_price=8_003, sell_price=1), policy) == 3_323


def test_the_hedge_gets_more_than_the_late_one() -> None:
    straggler, hedge = (
        loser_share(kind, shown_permille=600, sell_price=1_000, units=10, left=10**9, policy=POLICY)
        for kind in (LeaseKind.FIRST, LeaseKind.HEDGE)
    )
    assert (straggler, hedge) == (1_500, 3_000)


def test_what_is_left_of_a_job_is_its_limit_without_the_winners_price() -> None:
    assert left_of_job(limit_price=1_500, units=10, winner_buy_price=1_200) == 3_000
    assert left_of_job(limit_price=1_500, units=10, winner_buy_price=1_500) == 0


def test_a_share_outside_its_rule_is_refused_by_field() -> None:
    with pytest.raises(InvalidField) as caught:
        HedgePolicy(hedge_share_permille=0)
    assert caught.value.field == "hedge_share_permille"
