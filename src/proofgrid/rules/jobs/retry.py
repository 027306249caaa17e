"""What happens to a job whose lease ended without a proof, or that was not sold: one table by reason, one decision.

reason            whose fault   counts as an attempt     same prover again          then
not_picked_up     weather       no                       after a short while        wait
not_started       prover        no                       its operator after a while elsewhere
prover_lost       prover        yes                      after a while              elsewhere
child_crashed     prover        yes                      after a while              elsewhere
timed_out         prover        yes                      after a while              elsewhere
bad_proof         prover        yes                      never for this job         elsewhere
store_fault       weather       no                       after a short while        wait
artifact_lost     the store's   no, but soon it is over  after a short while        wait
unconfirmed       operator      no                       its operator after a while elsewhere
declined          operator      no                       its operator after a while elsewhere
false_excuse       operator      no                       its operator after a while elsewhere
refuted           operator      yes                      its operator after a while elsewhere
no_bids           the price's   no                       at once                    wait
hedge_lost        nobody's      no                       at once                    wait: the job is proven
unprovable        not known     yes                      its operator after a while elsewhere (unprovable.py judges)
unopened          not known     no                       never for this job         elsewhere
program_fault     program       ends the task, charged   -                          stop

Attempts end a task only when enough operators failed, or all that serve the lane: never by the word of one. Whatever
goes on beyond that ends with the task's deadline. Which words of a prover lead to which reason stands in excuses.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import AttemptsExhausted, Unprovable
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.sealing_errors import NobodyOpens

FOREVER_MS = 2**53  #: far beyond any clock, still exact in JSON
BACKOFF_FIRST_MS = 200
BACKOFF_MAX_MS = 10_000
LOST_RETURNS_MAX = 8  #: some 20 s, in which a copy may be mended
OPERATORS_LEAST = 2  #: one operator alone ends no task that another one serves


class ReturnReason(StrEnum):
    NOT_PICKED_UP = "not_picked_up"
    NOT_STARTED = "not_started"  #: its prover was told, was heard since, and sat on it
    PROVER_LOST = "prover_lost"
    CHILD_CRASHED = "child_crashed"
    TIMED_OUT = "timed_out"
    BAD_PROOF = "bad_proof"
    STORE_FAULT = "store_fault"  #: the gateway saw it too
    ARTIFACT_LOST = "artifact_lost"  #: the gateway looked for it, and it is
    UNCONFIRMED = "unconfirmed"  #: its prover blames what the gateway saw nothing of
    FALSE_EXCUSE = "false_excuse"  #: the gateway looked, and it is not so
    DECLINED = "declined"
    REFUTED = "refuted"  #: it said that the input cannot be proven, and the gateway found that it can
    NO_BIDS = "no_bids"
    HEDGE_LOST = "hedge_lost"
    UNPROVABLE = "unprovable"
    UNOPENED = "unopened"  #: what was sealed does not open, says its prover
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
    judged: bool = False  #: no count of attempts of this kind ends a task (unprovable.py may)
    charged: bool = False  #: the client pays for the work that was shown (unprovable.py)
    times_max: int = 0  #: so often for this reason, then the task ends; 0: never by it

    @property
    def ends_task(self) -> bool:
        """Is there no next try?"""
        return self.then is Then.STOP


def _wait(exclude_ms: int, *, times_max: int = 0) -> RetryRule:
    return RetryRule(then=Then.WAIT, counts=False, exclude_ms=exclude_ms, prover_at_fault=False, times_max=times_max)


def _elsewhere(exclude_ms: int) -> RetryRule:
    return RetryRule(then=Then.ELSEWHERE, counts=True, exclude_ms=exclude_ms, prover_at_fault=True)


def _blamed(exclude_ms: int, *, counts: bool = False) -> RetryRule:
    """Words without a proof of them: they cost who says them, and do nothing to the task."""
    return RetryRule(
        then=Then.ELSEWHERE,
        counts=counts,
        judged=True,
        exclude_ms=exclude_ms,
        prover_at_fault=True,
        exclude_operator=True,
    )


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
    ReturnReason.ARTIFACT_LOST: _wait(1_000, times_max=LOST_RETURNS_MAX),
    ReturnReason.UNCONFIRMED: _blamed(60_000),
    ReturnReason.DECLINED: _blamed(60_000),
    ReturnReason.FALSE_EXCUSE: _blamed(60_000),
    ReturnReason.REFUTED: _blamed(60_000, counts=True),  # whoever proves it now is a rescuer
    ReturnReason.NO_BIDS: _wait(0),
    ReturnReason.HEDGE_LOST: _wait(0),
    # Not its prover's fault until another one proves the job: then it was (unprovable.py).
    ReturnReason.UNPROVABLE: RetryRule(
        then=Then.ELSEWHERE, counts=True, exclude_ms=15_000, prover_at_fault=False, exclude_operator=True, judged=True
    ),
    # A client may seal something else for one prover than for the others: nobody is blamed by anybody's word.
    ReturnReason.UNOPENED: RetryRule(
        then=Then.ELSEWHERE, counts=False, exclude_ms=FOREVER_MS, prover_at_fault=False, judged=True
    ),
    ReturnReason.PROGRAM_FAULT: RetryRule(
        then=Then.STOP, counts=True, exclude_ms=0, prover_at_fault=False, charged=True
    ),
}

#: What counts as an attempt, as it is written down.
ATTEMPTS = frozenset(reason.value for reason, rule in RETRY_RULES.items() if rule.counts and not rule.judged)

#: What a prover's own machine did wrong: its child crashed or its disk is full; its proof does not verify.
OWN_FAILURES = frozenset({"PG-320", "PG-400"})


def is_own_failure(code: str) -> bool:
    """Is what a prover reports, or is refused with, about its own machine and not about stores, leases or inputs?"""
    return code in OWN_FAILURES


def ends_by_attempts(reason: ReturnReason) -> bool:
    """Does this reason count towards the attempts that end a task?"""
    return RETRY_RULES[reason].counts and not RETRY_RULES[reason].judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Who failed a job in a way that counts, this time included. The client's own provers are in neither set."""

    failed: frozenset[str]  #: operators
    lane: frozenset[str]  #: operators that could have the job at present
    own: int = 0  #: failures of the operator at hand

    def is_enough(self, attempts_max: int) -> bool:
        """Has everybody failed, or have so many that more would say nothing new?"""
        return self.lane <= self.failed or len(self.failed) >= max(OPERATORS_LEAST, attempts_max)


NOBODY_ELSE = Tried(failed=frozenset(), lane=frozenset())  #: where one operator is all there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Offer the job again from `not_before_ms` on, to others than who is excluded until `excluded_until_ms`."""

    not_before_ms: int
    excluded_until_ms: int
    attempts: int
    exclude_operator: bool = False  #: all of its provers, not this one alone


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """The task ends, with this reason."""

    code: str
    detail: str
    attempts: int
    charged: bool = False  #: the client pays for the work that was shown


def opens_no_more(sealed_for: Collection[str], excluded: Mapping[str, int], *, without: str = "") -> GiveUp | None:
    """Return how a task ends whose inputs nobody can open any more; None while somebody can.

    `sealed_for`: provers, none where the inputs are not sealed; `excluded`: provers and operators, and until when;
    `without`: one, or an operator, that is never asked again either.
    """
    gone = {name for name, until_ms in excluded.items() if until_ms >= FOREVER_MS} | {without}
    if not sealed_for or any(name not in gone and name.split("/")[0] not in gone for name in sealed_for):
        return None
    many = "the one prover" if len(sealed_for) == 1 else f"all {len(sealed_for)} provers"
    return GiveUp(
        code=NobodyOpens.code,
        detail=f"{many} that the inputs were sealed for had a job and did not prove it",
        attempts=0,
    )


def decide_retry(
    reason: ReturnReason,
    *,
    detail: str,
    attempts: int,
    returns: int,
    attempts_max: int,
    now_ms: int,
    tried: Tried = NOBODY_ELSE,
    times: int = 1,
) -> Retry | GiveUp:
    """Return what to do with a job that came back.

    `attempts` counts the earlier failures that were somebody's fault, `returns` all earlier ones, `times` those for
    this reason with this one; the backoff doubles with `returns`, so that a job which nobody's fault keeps bouncing
    does not spin.
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
    if ends_by_attempts(reason) and attempts >= attempts_max and tried.is_enough(attempts_max):
        return GiveUp(
            code=AttemptsExhausted.code,
            detail=f"gave up after {attempts} failed attempts, the last: {reason}: {detail}",
            attempts=attempts,
        )
    if 0 < rule.times_max <= times:
        return GiveUp(
            code=AttemptsExhausted.code,
            detail=f"gave up after the job came back {times} times, the last: {reason}: {detail}",
            attempts=attempts,
        )
    had_its_tries = ends_by_attempts(reason) and tried.own >= attempts_max
    backoff_ms = min(BACKOFF_FIRST_MS * 2 ** min(returns, 16), BACKOFF_MAX_MS)
    forever = had_its_tries or rule.exclude_ms >= FOREVER_MS
    return Retry(
        not_before_ms=now_ms + backoff_ms,
        excluded_until_ms=FOREVER_MS if forever else now_ms + rule.exclude_ms,
        attempts=attempts,
        exclude_operator=rule.exclude_operator or had_its_tries,
    )
