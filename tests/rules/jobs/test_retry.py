import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import Unprovable
from proofgrid.rules.jobs.excuses import EXCUSES, excuse_of
from proofgrid.rules.jobs.retry import (
    BACKOFF_MAX_MS,
    FOREVER_MS,
    LOST_RETURNS_MAX,
    RETRY_RULES,
    GiveUp,
    Retry,
    ReturnReason,
    Then,
    Tried,
    decide_retry,
    ends_by_attempts,
    is_own_failure,
)
from tests.makers import NOW_MS

REASONS = st.sampled_from(list(ReturnReason))


def test_every_reason_has_its_rule() -> None:
    assert set(RETRY_RULES) == set(ReturnReason)


def test_a_prover_with_a_bad_proof_never_gets_the_job_again() -> None:
    decision = decide_retry(ReturnReason.BAD_PROOF, detail="", attempts=0, returns=0, attempts_max=5, now_ms=NOW_MS)
    assert isinstance(decision, Retry)
    assert decision.excluded_until_ms == FOREVER_MS


def test_the_last_attempt_ends_the_task_with_the_reason() -> None:
    decision = decide_retry(ReturnReason.TIMED_OUT, detail="60 s", attempts=4, returns=4, attempts_max=5, now_ms=NOW_MS)
    assert decision == GiveUp(
        code="PG-511", detail="gave up after 5 failed attempts, the last: timed_out: 60 s", attempts=5
    )


def test_a_program_fault_ends_the_task_at_once() -> None:
    decision = decide_retry(
        ReturnReason.PROGRAM_FAULT, detail="overflow", attempts=0, returns=0, attempts_max=5, now_ms=NOW_MS
    )
    assert isinstance(decision, GiveUp)
    assert "overflow" in decision.detail


@pytest.mark.parametrize("reason", [ReturnReason.NOT_PICKED_UP, ReturnReason.STORE_FAULT])
def test_the_weather_never_uses_up_attempts(reason: ReturnReason) -> None:
    decision = decide_retry(reason, detail="", attempts=4, returns=100, attempts_max=5, now_ms=NOW_MS)
    assert isinstance(decision, Retry)
    assert decision.attempts == 4


@pytest.mark.parametrize("reason", [reason for reason in ReturnReason if not RETRY_RULES[reason].counts])
def test_what_is_no_attempt_ends_no_task_but_for_an_artifact_that_stays_lost(reason: ReturnReason) -> None:
    decision = decide_retry(reason, detail="why", attempts=4, returns=999, times=999, attempts_max=5, now_ms=NOW_MS)
    if reason in (ReturnReason.ARTIFACT_LOST, ReturnReason.PROGRAM_FAULT):
        assert isinstance(decision, GiveUp)
        assert "why" in decision.detail
    else:
        assert isinstance(decision, Retry)


@pytest.mark.parametrize(("times", "ends"), [(LOST_RETURNS_MAX - 1, False), (LOST_RETURNS_MAX, True)])
def test_a_lost_artifact_is_given_up_when_the_gateway_missed_it_so_often(times: int, ends: bool) -> None:
    decision = decide_retry(
        ReturnReason.ARTIFACT_LOST, detail="", attempts=0, returns=0, times=times, attempts_max=5, now_ms=NOW_MS
    )
    assert isinstance(decision, GiveUp) is ends


@given(
    said=st.lists(REASONS, max_size=60),
    lane=st.frozensets(st.sampled_from("abcdef"), min_size=1),
    attempts_max=st.integers(1, 10),
)
def test_no_words_of_one_operator_end_a_task_that_another_one_could_have(
    said: list[ReturnReason], lane: frozenset[str], attempts_max: int
) -> None:
    """Whatever it says and however often; what the gateway found itself (program faults, losses) is not its word."""
    attempts = own = 0
    for returns, reason in enumerate(said):
        if reason in (ReturnReason.PROGRAM_FAULT, ReturnReason.ARTIFACT_LOST):
            continue
        own += ends_by_attempts(reason)
        tried = Tried(failed=frozenset("l"), lane=lane | {"l"}, own=own)
        decision = decide_retry(
            reason, detail="", attempts=attempts, returns=returns, attempts_max=attempts_max, now_ms=NOW_MS, tried=tried
        )
        assert isinstance(decision, Retry)
        attempts = decision.attempts
        if ends_by_attempts(reason) and own >= attempts_max:
            assert (decision.excluded_until_ms, decision.exclude_operator) == (FOREVER_MS, True)


def test_a_task_ends_when_all_that_could_have_it_failed_or_enough_others() -> None:
    def is_over(failed: str, lane: str) -> bool:
        tried = Tried(failed=frozenset(failed), lane=frozenset(lane))
        decision = decide_retry(
            ReturnReason.CHILD_CRASHED, detail="", attempts=9, returns=9, attempts_max=3, now_ms=NOW_MS, tried=tried
        )
        return isinstance(decision, GiveUp)

    assert is_over("a", "a")
    assert is_over("ab", "ab")
    assert not is_over("a", "ab")
    assert not is_over("ab", "abc")
    assert is_over("abc", "abcd")


@pytest.mark.parametrize("reason", [ReturnReason.UNCONFIRMED, ReturnReason.DECLINED, ReturnReason.FALSE_EXCUSE])
def test_words_without_proof_cost_prover_and_operator_and_do_nothing_to_the_task(reason: ReturnReason) -> None:
    rule = RETRY_RULES[reason]
    assert (rule.counts, rule.prover_at_fault, rule.exclude_operator) == (False, True, True)
    decision = decide_retry(reason, detail="", attempts=4, returns=999, times=999, attempts_max=5, now_ms=NOW_MS)
    assert isinstance(decision, Retry)
    assert (decision.attempts, decision.exclude_operator) == (4, True)


@given(reason=REASONS, returns=st.integers(0, 10_000))
def test_the_wait_grows_to_its_limit_and_never_beyond(reason: ReturnReason, returns: int) -> None:
    decision = decide_retry(reason, detail="", attempts=0, returns=returns, attempts_max=99, now_ms=NOW_MS)
    if isinstance(decision, Retry):
        assert 0 < decision.not_before_ms - NOW_MS <= BACKOFF_MAX_MS
        assert decision.excluded_until_ms >= NOW_MS


@given(reasons=st.lists(REASONS, max_size=200), attempts_max=st.integers(1, 10))
def test_somebodys_fault_ends_the_task_after_the_attempt_limit(reasons: list[ReturnReason], attempts_max: int) -> None:
    attempts = 0
    for returns, reason in enumerate(reasons):
        decision = decide_retry(
            reason, detail="", attempts=attempts, returns=returns, attempts_max=attempts_max, now_ms=NOW_MS
        )
        attempts = decision.attempts
        if isinstance(decision, GiveUp):
            return
        assert attempts < attempts_max or not ends_by_attempts(reason)


def test_only_a_program_fault_stops_the_task_and_is_charged() -> None:
    assert [reason for reason, rule in RETRY_RULES.items() if rule.then is Then.STOP] == [ReturnReason.PROGRAM_FAULT]
    assert [reason for reason, rule in RETRY_RULES.items() if rule.charged] == [ReturnReason.PROGRAM_FAULT]
    stop = decide_retry(ReturnReason.PROGRAM_FAULT, detail="", attempts=0, returns=0, attempts_max=5, now_ms=NOW_MS)
    assert isinstance(stop, GiveUp)
    assert stop.charged


def test_giving_up_for_any_other_reason_charges_nothing() -> None:
    for reason in set(ReturnReason) - {ReturnReason.PROGRAM_FAULT}:
        decision = decide_retry(reason, detail="", attempts=4, returns=99, times=99, attempts_max=5, now_ms=NOW_MS)
        rule = RETRY_RULES[reason]
        assert isinstance(decision, GiveUp) is (ends_by_attempts(reason) or rule.times_max > 0)
        assert isinstance(decision, Retry) or not decision.charged


def test_what_a_prover_calls_unprovable_is_tried_with_other_operators_first() -> None:
    reason = excuse_of(Unprovable.code).unknown
    rule = RETRY_RULES[reason]
    assert (rule.then, rule.exclude_operator, rule.prover_at_fault) == (Then.ELSEWHERE, True, False)
    decision = decide_retry(reason, detail="", attempts=0, returns=0, attempts_max=5, now_ms=NOW_MS)
    assert isinstance(decision, Retry)
    assert decision.excluded_until_ms > NOW_MS
    assert decision.attempts == 1


def test_losing_to_a_hedge_is_nobodys_fault() -> None:
    rule = RETRY_RULES[ReturnReason.HEDGE_LOST]
    assert (rule.counts, rule.prover_at_fault, rule.exclude_ms) == (False, False, 0)


def test_a_job_that_is_not_sold_waits_until_its_deadline_ends_it() -> None:
    decision = decide_retry(
        ReturnReason.NO_BIDS, detail="", attempts=0, returns=10**6, times=10**6, attempts_max=5, now_ms=NOW_MS
    )
    assert isinstance(decision, Retry)
    assert decision.excluded_until_ms == NOW_MS


def test_who_must_go_elsewhere_is_kept_away_longer_than_the_wait() -> None:
    for reason, rule in RETRY_RULES.items():
        if rule.then is Then.ELSEWHERE:
            assert rule.exclude_ms > BACKOFF_MAX_MS, reason


def test_a_job_that_was_not_picked_up_may_go_to_the_same_prover_after_two_seconds() -> None:
    """What kept the prover from taking it, a lost message say, is over at once; another prover has it sooner."""
    decision = decide_retry(ReturnReason.NOT_PICKED_UP, detail="", attempts=0, returns=0, attempts_max=5, now_ms=NOW_MS)
    assert decision == Retry(not_before_ms=NOW_MS + 200, excluded_until_ms=NOW_MS + 2_000, attempts=0)


def test_a_crash_and_a_proof_that_does_not_verify_say_something_of_the_machine_and_nothing_else_does() -> None:
    assert is_own_failure("PG-320")
    assert is_own_failure("PG-400")
    others = {code for rule in EXCUSES for code in rule.codes} - {"PG-320"}
    assert not any(is_own_failure(code) for code in others)


@pytest.mark.parametrize(
    ("reason", "then", "counts", "at_fault", "exclude_ms"),
    [
        (ReturnReason.NOT_PICKED_UP, Then.WAIT, False, False, 2_000),
        (ReturnReason.PROVER_LOST, Then.ELSEWHERE, True, True, 15_000),
        (ReturnReason.CHILD_CRASHED, Then.ELSEWHERE, True, True, 15_000),
        (ReturnReason.TIMED_OUT, Then.ELSEWHERE, True, True, 60_000),
        (ReturnReason.BAD_PROOF, Then.ELSEWHERE, True, True, FOREVER_MS),
        (ReturnReason.STORE_FAULT, Then.WAIT, False, False, 1_000),
        (ReturnReason.ARTIFACT_LOST, Then.WAIT, False, False, 1_000),
        (ReturnReason.DECLINED, Then.ELSEWHERE, False, True, 60_000),
        (ReturnReason.UNCONFIRMED, Then.ELSEWHERE, False, True, 60_000),
        (ReturnReason.FALSE_EXCUSE, Then.ELSEWHERE, False, True, 60_000),
        (ReturnReason.REFUTED, Then.ELSEWHERE, True, True, 60_000),
        (ReturnReason.NO_BIDS, Then.WAIT, False, False, 0),
        (ReturnReason.HEDGE_LOST, Then.WAIT, False, False, 0),
        (ReturnReason.UNPROVABLE, Then.ELSEWHERE, True, False, 15_000),
        (ReturnReason.PROGRAM_FAULT, Then.STOP, True, False, 0),
    ],
)
def test_the_table(reason: ReturnReason, then: Then, counts: bool, at_fault: bool, exclude_ms: int) -> None:
    """The module's own table, in figures: whose fault, whether it is an attempt, and how long elsewhere."""
    rule = RETRY_RULES[reason]
    assert (rule.then, rule.counts, rule.prover_at_fault, rule.exclude_ms) == (then, counts, at_fault, exclude_ms)
