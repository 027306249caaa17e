from dataclasses import replace

import pytest

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.lifecycle import LEASE_HELD, LeaseState
from proofgrid.rules.jobs.phases import (
    GIB,
    OVERRUNS,
    PHASE_OF,
    LeaseTimes,
    Overrun,
    PhasePolicy,
    after_coming_back,
    after_cut,
    after_grant,
    after_heartbeat,
    after_offer,
    after_progress,
    after_report,
    check_lease,
    hard_limit_ms,
    prove_limit_ms,
)
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.jobs.speed import UNMEASURED, Speed
from tests.makers import NOW_MS

POLICY = PhasePolicy()
FAST = Speed(units=30_000, wall_ms=30_000, samples=3)  #: 1,000 PU/s


def a_granted(*, units: int = 10_000, speed: Speed = FAST) -> LeaseTimes:
    return after_grant(units=units, memory_bytes=GIB, speed=speed, policy=POLICY, now_ms=NOW_MS)


def a_running(*, units: int = 10_000, speed: Speed = FAST) -> LeaseTimes:
    """Granted, told and begun in the same millisecond."""
    offered = after_offer(a_granted(units=units, speed=speed), policy=POLICY, now_ms=NOW_MS)
    return after_progress(offered, 0, policy=POLICY, now_ms=NOW_MS)


def heard_until(lease: LeaseTimes, now_ms: int) -> LeaseTimes:
    """Heartbeats every second until then."""
    for at_ms in range(NOW_MS, now_ms + 1, 1_000):
        if check_lease(lease, now_ms=at_ms) is None:
            lease = after_heartbeat(lease, policy=POLICY, now_ms=at_ms)
    return lease


def test_every_held_state_has_its_phase_and_every_overrun_its_meaning() -> None:
    assert set(PHASE_OF) == set(LEASE_HELD)
    assert set(OVERRUNS) == set(Overrun)


def test_a_measured_prover_gets_the_time_that_it_needs_thrice_and_a_start() -> None:
    assert prove_limit_ms(10_000, GIB, FAST, POLICY) == 15_000 + 2_000 + 30_000
    assert prove_limit_ms(10_000, 3 * GIB, FAST, POLICY) == 15_000 + 6_000 + 30_000


def test_an_unmeasured_prover_gets_the_hard_limit() -> None:
    assert prove_limit_ms(10_000, GIB, UNMEASURED, POLICY) == hard_limit_ms(10_000, POLICY) == 60_000 + 200_000


def test_nobody_gets_more_than_the_hard_limit_however_slow() -> None:
    crawling = Speed(units=3, wall_ms=3_000_000, samples=3)
    assert prove_limit_ms(10_000, GIB, crawling, POLICY) == hard_limit_ms(10_000, POLICY)


def test_a_lease_that_nobody_could_be_told_of_goes_back_after_the_pick_up_time() -> None:
    lease = a_granted()
    assert check_lease(lease, now_ms=NOW_MS + POLICY.pick_up_ms - 1) is None
    assert check_lease(lease, now_ms=NOW_MS + POLICY.pick_up_ms) is Overrun.NOT_TOLD


def test_heartbeats_do_not_replace_the_first_word() -> None:
    lease = heard_until(after_offer(a_granted(), policy=POLICY, now_ms=NOW_MS), NOW_MS + 4_000)
    assert check_lease(lease, now_ms=NOW_MS + POLICY.pick_up_ms - 1) is None
    assert check_lease(lease, now_ms=NOW_MS + POLICY.pick_up_ms) is Overrun.NOT_PICKED_UP


def test_telling_a_prover_again_gives_it_no_more_time_to_start() -> None:
    once = after_offer(a_granted(), policy=POLICY, now_ms=NOW_MS)
    assert after_offer(once, policy=POLICY, now_ms=NOW_MS + 4_000) == once
    back = after_coming_back(once, policy=POLICY, now_ms=NOW_MS + 4_000)
    assert back.phase_until_ms == once.phase_until_ms


def test_a_prover_that_comes_back_is_told_of_what_it_was_not_told_of_in_the_usual_time() -> None:
    back = after_coming_back(a_granted(), policy=POLICY, now_ms=NOW_MS + 4_000)
    assert back.state is LeaseState.GRANTED
    assert back.expires_ms == back.phase_until_ms == NOW_MS + 4_000 + POLICY.pick_up_ms
    late = after_coming_back(a_granted(), policy=POLICY, now_ms=back.until_ms - 1)
    assert late.expires_ms == back.until_ms


def test_a_heartbeat_is_written_only_when_less_than_three_quarters_are_left() -> None:
    lease = a_running()
    quarter_ms = POLICY.silent_ms // 4
    assert after_heartbeat(lease, policy=POLICY, now_ms=NOW_MS + quarter_ms) == lease
    renewed = after_heartbeat(lease, policy=POLICY, now_ms=NOW_MS + quarter_ms + 1)
    assert renewed.expires_ms == NOW_MS + quarter_ms + 1 + POLICY.silent_ms


def test_a_result_of_what_the_prover_was_not_told_of_changes_nothing() -> None:
    assert after_report(a_granted(), policy=POLICY, now_ms=NOW_MS) == a_granted()


def test_a_running_lease_without_heartbeats_is_lost_long_before_its_time_is_over() -> None:
    lease = a_running()
    assert check_lease(lease, now_ms=NOW_MS + POLICY.silent_ms - 1) is None
    assert check_lease(lease, now_ms=NOW_MS + POLICY.silent_ms) is Overrun.SILENT


def test_a_heartbeat_keeps_a_lease_alive_until_the_end_of_its_phase() -> None:
    lease = heard_until(a_running(), NOW_MS + 46_000)
    assert check_lease(lease, now_ms=NOW_MS + 46_999) is None
    assert check_lease(lease, now_ms=NOW_MS + 47_000) is Overrun.NO_PROGRESS


def test_progress_extends_the_proving_by_what_is_left_at_its_pace() -> None:
    lease = after_progress(a_running(), 500, policy=POLICY, now_ms=NOW_MS + 20_000)
    # Half of it took 20 s, so the other half may take three times that, and a start.
    assert lease.phase_until_ms == NOW_MS + 20_000 + 15_000 + 60_000


def test_a_crawl_is_extended_to_the_hard_limit_and_not_beyond() -> None:
    lease = after_progress(a_running(), 1, policy=POLICY, now_ms=NOW_MS + 5_000)
    assert lease.phase_until_ms == lease.until_ms


def test_the_same_progress_again_extends_nothing() -> None:
    lease = after_progress(a_running(), 500, policy=POLICY, now_ms=NOW_MS + 40_000)
    for permille in (500, 499, 0):
        again = after_progress(lease, permille, policy=POLICY, now_ms=NOW_MS + 45_000)
        assert (again.phase_until_ms, again.permille) == (lease.phase_until_ms, 500)


def test_quick_progress_never_shortens_the_time() -> None:
    lease = after_progress(a_running(), 990, policy=POLICY, now_ms=NOW_MS + 1)
    assert lease.phase_until_ms == a_running().phase_until_ms


def test_progress_that_stops_short_of_the_end_is_too_slow() -> None:
    lease = heard_until(after_progress(a_running(), 900, policy=POLICY, now_ms=NOW_MS + 9_000), NOW_MS + 60_000)
    assert check_lease(lease, now_ms=lease.phase_until_ms) is Overrun.TOO_SLOW


def test_no_word_leads_beyond_three_times_what_proving_gets_at_its_start() -> None:
    lease = a_running()
    for permille in range(1, 1_000):
        lease = after_progress(lease, permille, policy=POLICY, now_ms=NOW_MS + 1_000 * permille)
    assert lease.until_ms == lease.started_ms + 3 * lease.prove_ms < NOW_MS + hard_limit_ms(10_000, POLICY)
    assert check_lease(lease, now_ms=lease.until_ms - 1) is None
    assert check_lease(lease, now_ms=lease.until_ms) is Overrun.HARD_LIMIT


def test_a_report_has_its_own_time_even_at_the_last_moment() -> None:
    lease = a_running()
    now_ms = lease.until_ms - 1
    reported = after_report(lease, policy=POLICY, now_ms=now_ms)
    assert check_lease(reported, now_ms=now_ms + POLICY.report_ms - 1) is None
    assert check_lease(reported, now_ms=now_ms + POLICY.report_ms) is Overrun.NOT_JUDGED


def test_a_result_sent_again_gives_the_gateway_no_more_time() -> None:
    reported = after_report(a_running(), policy=POLICY, now_ms=NOW_MS + 9)
    assert after_report(reported, policy=POLICY, now_ms=NOW_MS + 99) == reported


def test_a_cut_stream_leaves_a_grace_and_a_heartbeat_takes_it_back() -> None:
    cut = after_cut(a_running(), grace_ms=2_000, now_ms=NOW_MS)
    assert check_lease(cut, now_ms=NOW_MS + 2_000) is Overrun.SILENT
    back = after_heartbeat(cut, policy=POLICY, now_ms=NOW_MS + 1_000)
    assert check_lease(back, now_ms=NOW_MS + 2_000) is None


def test_a_cut_stream_does_not_end_a_result_that_is_being_judged() -> None:
    reported = after_report(a_running(), policy=POLICY, now_ms=NOW_MS)
    assert after_cut(reported, grace_ms=2_000, now_ms=NOW_MS) == reported


def test_a_late_first_word_still_has_its_hard_limit() -> None:
    lease = replace(a_granted(), state=LeaseState.OFFERED)
    begun = after_progress(lease, 0, policy=POLICY, now_ms=lease.until_ms - 5)
    assert begun.phase_until_ms == lease.until_ms


def test_only_the_prover_is_blamed_for_what_the_prover_did() -> None:
    assert OVERRUNS[Overrun.NOT_JUDGED][0] is ReturnReason.STORE_FAULT
    assert OVERRUNS[Overrun.NOT_TOLD][0] is ReturnReason.NOT_PICKED_UP
    assert OVERRUNS[Overrun.NOT_PICKED_UP][0] is ReturnReason.NOT_STARTED
    assert {OVERRUNS[one][0] for one in (Overrun.NO_PROGRESS, Overrun.TOO_SLOW, Overrun.HARD_LIMIT)} == {
        ReturnReason.TIMED_OUT
    }


def test_an_ended_lease_overruns_nothing() -> None:
    assert check_lease(replace(a_running(), state=LeaseState.STOPPED), now_ms=2**60) is None


def test_a_policy_without_time_is_refused() -> None:
    with pytest.raises(InvalidField):
        PhasePolicy(pick_up_ms=0)
