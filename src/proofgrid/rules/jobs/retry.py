"""What happens to a job whose lease ended without a proof, or that was not sold: one table by reason, one decision.

reason            whose fault   counts as an attempt     same prover again          then
not_picked_up     weather       no, but not for ever     after a short while        wait
not_started       prover        no                       its operator after a while elsewhere
prover_lost       prover        yes                      after a while              elsewhere
child_crashed     prover        yes                      after a while              elsewhere
timed_out         prover        yes                      after a while              elsewhere
bad_proof         prover        yes                      never for this job         elsewhere
store_fault       weather       no, but not for ever     after a short while        wait
artifact_lost     the store's   no, but soon it is over  after a short while        wait
declined          prover        no, but not for ever     after a while              elsewhere
no_bids           the price's   no, the deadline ends it at once                    wait
hedge_lost        nobody's      no                       at once                    wait: the job is proven
unprovable        not known     yes                      its operator after a while elsewhere (unprovable.py judges)
program_fault     program       ends the task, charged   -                          stop
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import AttemptsExhausted, Unprovable
from proofgrid.primitives.last_words import without_last_words
from proofgrid.rules.jobs.request import DEADLINE_MAX_MS

FOREVER_MS = 2**53  #: far beyond any clock, still exact in JSON
BACKOFF_FIRST_MS = 200
BACKOFF_MAX_MS = 10_000
WEATHER_RETURNS_MAX = 200  #: half an hour of the longest backoff: no job bounces for ever, whoever is to blame
LOST_RETURNS_MAX = 8  #: some 20 s, in which a copy may be mended
UNSOLD_MAX = DEADLINE_MAX_MS // BACKOFF_MAX_MS  #: a price may be too low until the deadline, which comes first


class ReturnReason(StrEnum):
    NOT_PICKED_UP = "not_picked_up"
    NOT_STARTED = "not_started"  #: its prover was told, was heard since, and sat on it
    PROVER_LOST = "prover_lost"
    CHILD_CRASHED = "child_crashed"
    TIMED_OUT = "timed_out"
    BAD_PROOF = "bad_proof"
    STORE_FAULT = "store_fault"
    ARTIFACT_LOST = "artifact_lost"
    DECLINED = "declined"
    NO_BIDS = "no_bids"
    HEDGE_LOST = "hedge_lost"
    UNPROVABLE = "unprovable"
    PROGRAM_FAULT = "program_fault"


class Then(StrEnum):
    """What comes next: the same again after a longer wait, another prover, or the end of the task."""

    WAIT = "wait"
    ELSEWHERE = "elsewhere"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """What one reason means for the next try."""

    then: Then
    counts: bool  #: against the job's attempt limit
    exclude_ms: int  #: how long this prover gets no lease for this job again
    prover_at_fault: bool
    exclude_operator: bool = False  #: all provers of its operator, not this one alone
    charged: bool = False  #: the client pays for the work that was shown (unprovable.py)
    returns_max: int = WEATHER_RETURNS_MAX  #: of the job in all, for whatever reasons

    @property
    def ends_task(self) -> bool:
        """Is there no next try?"""
        return self.then is Then.STOP


def _wait(exclude_ms: int, *, returns_max: int = WEATHER_RETURNS_MAX) -> RetryRule:
    return RetryRule(
        then=Then.WAIT, counts=False, exclude_ms=exclude_ms, prover_at_fault=False, returns_max=returns_max
    )


def _elsewhere(exclude_ms: int) -> RetryRule:
    return RetryRule(then=Then.ELSEWHERE, counts=True, exclude_ms=exclude_ms, prover_at_fault=True)


RETRY_RULES: dict[ReturnReason, RetryRule] = {
    ReturnReason.NOT_PICKED_UP: _wait(2_000),
    ReturnReason.NOT_STARTED: RetryRule(
        then=Then.ELSEWHERE, counts=False, exclude_ms=15_000, prover_at_fault=True, exclude_operator=True
    ),
    ReturnReason.PROVER_LOST: _elsewhere(15_000),
    ReturnReason.CHILD_CRASHED: _elsewhere(15_000),
    ReturnReason.TIMED_OUT: _elsewhere(60_000),
    ReturnReason.BAD_PROOF: _elsewhere(FOREVER_MS),
    ReturnReason.STORE_FAULT: _wait(1_000),
    ReturnReason.ARTIFACT_LOST: _wait(1_000, returns_max=LOST_RETURNS_MAX),
    ReturnReason.DECLINED: RetryRule(then=Then.ELSEWHERE, counts=False, exclude_ms=15_000, prover_at_fault=False),
    ReturnReason.NO_BIDS: _wait(0, returns_max=UNSOLD_MAX),
    ReturnReason.HEDGE_LOST: _wait(0),
    # Not its prover's fault until another one proves the job: then it was (unprovable.py).
    ReturnReason.UNPROVABLE: RetryRule(
        then=Then.ELSEWHERE, counts=True, exclude_ms=15_000, prover_at_fault=False, exclude_operator=True
    ),
    ReturnReason.PROGRAM_FAULT: RetryRule(
        then=Then.STOP, counts=True, exclude_ms=0, prover_at_fault=False, charged=True
    ),
}

#: The error codes that a prover reports, by what they mean here; any other code is a crash.
REASON_OF_CODE: dict[str, ReturnReason] = {
    "PG-310": ReturnReason.ARTIFACT_LOST,
    "PG-311": ReturnReason.ARTIFACT_LOST,
    "PG-300": ReturnReason.STORE_FAULT,
    "PG-301": ReturnReason.STORE_FAULT,
    "PG-320": ReturnReason.CHILD_CRASHED,
    "PG-321": ReturnReason.TIMED_OUT,
    "PG-330": ReturnReason.DECLINED,
    "PG-510": ReturnReason.UNPROVABLE,
}


#: What a prover's own machine did wrong: its child crashed or its disk is full; its proof does not verify.
OWN_FAILURES = frozenset({"PG-320", "PG-400"})


def is_own_failure(code: str) -> bool:
    """Is what a prover reports, or is refused with, about its own machine and not about stores, leases or inputs?"""
    return code in OWN_FAILURES


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Offer the job again from `not_before_ms` on, to others than the excluded prover until `excluded_until_ms`."""

    not_before_ms: int
    excluded_until_ms: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The task ends, with this reason."""

    code: str
    detail: str
    attempts: int
    charged: bool = False  #: the client pays for the work that was shown


def decide_retry(
    reason: ReturnReason, *, detail: str, attempts: int, returns: int, attempts_max: int, now_ms: int
) -> Retry | GiveUp:
    """Return what to do with a job that came back.

    `attempts` counts the earlier failures that were somebody's fault, `returns` all earlier ones; the backoff
    doubles with `returns`, so that a job which nobody's fault keeps bouncing does not spin.
    """
    rule = RETRY_RULES[reason]
    detail = without_last_words(detail)
    attempts = attempts + (1 if rule.counts else 0)
    if rule.ends_task:
        return GiveUp(
            code=Unprovable.code,
            detail=f"the program cannot prove this input: {detail}",
            attempts=attempts,
            charged=rule.charged,
        )
    if attempts >= attempts_max:
        return GiveUp(
            code=AttemptsExhausted.code,
            detail=f"gave up after {attempts} failed attempts, the last: {reason}: {detail}",
            attempts=attempts,
        )
    if returns + 1 >= rule.returns_max:
        return GiveUp(
            code=AttemptsExhausted.code,
            detail=f"gave up after the job came back {returns + 1} times, the last: {reason}: {detail}",
            attempts=attempts,
        )
    backoff_ms = min(BACKOFF_FIRST_MS * 2 ** min(returns, 16), BACKOFF_MAX_MS)
    excluded_until_ms = FOREVER_MS if rule.exclude_ms >= FOREVER_MS else now_ms + rule.exclude_ms
    return Retry(not_before_ms=now_ms + backoff_ms, excluded_until_ms=excluded_until_ms, attempts=attempts)
