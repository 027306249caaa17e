"""What happens to a job whose lease ended without a proof: one table by reason, one decision.

reason            whose fault   counts as an attempt     same prover again
not_picked_up     weather       no, but not for ever     after a short while
prover_lost       prover        yes                      after a while
child_crashed     prover        yes                      after a while
timed_out         prover        yes                      after a while
bad_proof         prover        yes                      never for this job
store_fault       weather       no, but not for ever     after a short while
artifact_lost     the store's   no, but soon it is over  after a short while
declined          prover        no, but not for ever     after a while
program_fault     program       ends the task            -
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import AttemptsExhausted, Unprovable

FOREVER_MS = 2**53  #: far beyond any clock, still exact in JSON
BACKOFF_FIRST_MS = 200
BACKOFF_MAX_MS = 10_000
WEATHER_RETURNS_MAX = 200  #: half an hour of the longest backoff: no job bounces for ever, whoever is to blame
LOST_RETURNS_MAX = 8  #: some 20 s, in which a copy may be mended


class ReturnReason(StrEnum):
    NOT_PICKED_UP = "not_picked_up"
    PROVER_LOST = "prover_lost"
    CHILD_CRASHED = "child_crashed"
    TIMED_OUT = "timed_out"
    BAD_PROOF = "bad_proof"
    STORE_FAULT = "store_fault"
    ARTIFACT_LOST = "artifact_lost"
    DECLINED = "declined"
    PROGRAM_FAULT = "program_fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRule:
    """What one reason means for the next try."""

    counts: bool  #: against the job's attempt limit
    exclude_ms: int  #: how long this prover gets no lease for this job again
    prover_at_fault: bool
    ends_task: bool = False
    returns_max: int = WEATHER_RETURNS_MAX  #: of the job in all, for whatever reasons


RETRY_RULES: dict[ReturnReason, RetryRule] = {
    ReturnReason.NOT_PICKED_UP: RetryRule(counts=False, exclude_ms=2_000, prover_at_fault=False),
    ReturnReason.PROVER_LOST: RetryRule(counts=True, exclude_ms=15_000, prover_at_fault=True),
    ReturnReason.CHILD_CRASHED: RetryRule(counts=True, exclude_ms=15_000, prover_at_fault=True),
    ReturnReason.TIMED_OUT: RetryRule(counts=True, exclude_ms=60_000, prover_at_fault=True),
    ReturnReason.BAD_PROOF: RetryRule(counts=True, exclude_ms=FOREVER_MS, prover_at_fault=True),
    ReturnReason.STORE_FAULT: RetryRule(counts=False, exclude_ms=1_000, prover_at_fault=False),
    ReturnReason.ARTIFACT_LOST: RetryRule(
        counts=False, exclude_ms=1_000, prover_at_fault=False, returns_max=LOST_RETURNS_MAX
    ),
    ReturnReason.DECLINED: RetryRule(counts=False, exclude_ms=15_000, prover_at_fault=False),
    ReturnReason.PROGRAM_FAULT: RetryRule(counts=True, exclude_ms=0, prover_at_fault=False, ends_task=True),
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
}


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


def decide_retry(
    reason: ReturnReason, *, detail: str, attempts: int, returns: int, attempts_max: int, now_ms: int
) -> Retry | GiveUp:
    """Return what to do with a job that came back.

    `attempts` counts the earlier failures that were somebody's fault, `returns` all earlier ones; the backoff
    doubles with `returns`, so that a job which nobody's fault keeps bouncing does not spin.
    """
    rule = RETRY_RULES[reason]
    attempts = attempts + (1 if rule.counts else 0)
    if rule.ends_task:
        return GiveUp(code=Unprovable.code, detail=f"the program cannot prove this input: {detail}", attempts=attempts)
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
