"""How a prover stands: its counters, its breaker, and its last faults, after what happened to its leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.breaker import (
    OUTCOMES_KEPT,
    Breaker,
    BreakerPolicy,
    BreakerState,
    after_outcome,
    after_proofs,
    state_of,
)
from proofgrid.rules.reputation.counters import HALF_LIFE_MS, Counters, Fact, counted

PAUSED = "PAUSED"  #: code of the notice that says until when a prover gets no work, and why
RESUMED = "RESUMED"  #: of the one that says that it gets work as before
FAULTS_KEPT = 3  #: the last ones, to tell people
DETAIL_CHARS_MAX = 160  #: of each
SHARED_IN_ROW = 3  #: times as many faults in a row open the breaker that new provers share,
SHARED_OF_TEN_MORE = 3  #: or so many more of the last ten

#: Which fact a lease that ended by its prover's fault is; everything else that is its prover's fault is a crash.
FACT_OF_REASON: dict[ReturnReason, Fact] = {
    ReturnReason.NOT_STARTED: Fact.LOST,
    ReturnReason.PROVER_LOST: Fact.LOST,
    ReturnReason.TIMED_OUT: Fact.LOST,
    ReturnReason.BAD_PROOF: Fact.INVALID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReputationPolicy:
    """How fast facts are forgotten, and when a prover is paused."""

    half_life_ms: int = HALF_LIFE_MS
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)

    def __post_init__(self) -> None:
        if self.half_life_ms < 1:
            raise InvalidField("at least a millisecond", field="half_life_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One verified fact about a prover."""

    fact: Fact  #: LATE: a proof, and late
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a prover's row says of it."""

    counters: Counters = field(default_factory=Counters)
    breaker: Breaker = field(default_factory=Breaker)
    last_faults: tuple[str, ...] = ()  #: newest first


def stand_after(standing: Standing, happened: Sequence[Happened], *, policy: ReputationPolicy, now_ms: int) -> Standing:
    """Return how a prover stands after these facts, oldest first, came to light now."""
    facts = Counter(one.fact for one in happened)
    facts[Fact.PROVEN] += facts[Fact.LATE]
    breaker, last_faults = standing.breaker, standing.last_faults
    for proofs, ones in groupby(happened, key=lambda one: one.fact in (Fact.PROVEN, Fact.LATE)):
        if proofs:
            breaker = after_proofs(breaker, len(list(ones)), policy=policy.breaker, now_ms=now_ms)
            continue
        for one in ones:
            breaker = after_outcome(breaker, fault=True, policy=policy.breaker, now_ms=now_ms)
            last_faults = (_said(one), *last_faults)[:FAULTS_KEPT]
    return Standing(
        counters=counted(standing.counters, facts, now_ms=now_ms, half_life_ms=policy.half_life_ms),
        breaker=breaker,
        last_faults=last_faults,
    )


def shared_breaker(own: BreakerPolicy) -> BreakerPolicy:
    """Return when the breaker that new provers share opens, of when a prover's own does.

    Later: where the power fails, all machines of an operator lose what they hold, once. Were it never to open, whoever
    makes names would have all the faults of each before its own breaker opens.
    """
    return replace(
        own,
        in_row_max=min(OUTCOMES_KEPT, SHARED_IN_ROW * own.in_row_max),
        of_ten_max=min(OUTCOMES_KEPT, own.of_ten_max + SHARED_OF_TEN_MORE) if own.of_ten_max else 0,
    )


def operator_after(
    standing: Standing,
    happened: Sequence[Happened],
    *,
    of_new: Sequence[Happened],
    policy: ReputationPolicy,
    now_ms: int,
) -> Standing:
    """Return how an operator stands after these facts of its old provers, and `of_new`, those of its new ones.

    All count for its record. Only new provers share its breaker: good work of old names excuses no new ones.
    """
    shared = stand_after(
        standing, of_new, policy=replace(policy, breaker=shared_breaker(policy.breaker)), now_ms=now_ms
    )
    others = stand_after(Standing(counters=shared.counters), happened, policy=policy, now_ms=now_ms)
    return replace(shared, counters=others.counters)


def _said(fault: Happened) -> str:
    """One line: what is stored line by line stays so, and no detail breaks a terminal."""
    words = " ".join(f"{fault.fact}: {fault.detail}".split())
    return words.removesuffix(":")[:DETAIL_CHARS_MAX]


def fault_of(reason: ReturnReason, detail: str) -> Happened:
    """Return the fact that a lease is which ended by its prover's fault."""
    return Happened(fact=FACT_OF_REASON.get(reason, Fact.CRASHED), detail=detail)


def has_paused(before: Standing, after: Standing) -> bool:
    """Was the prover given a (longer) pause?"""
    return after.breaker.paused_until_ms > before.breaker.paused_until_ms


def has_resumed(before: Standing, after: Standing) -> bool:
    """Has the prover proven that it works again?"""
    return before.breaker.paused_until_ms > 0 and not after.breaker.paused_until_ms


def pause_sentence(standing: Standing, *, now_ms: int) -> str:
    """Say to its operator why a prover gets no work, or hardly any; empty while nothing is wrong."""
    why = "; ".join(standing.last_faults) or "it failed too often"
    match state_of(standing.breaker, now_ms=now_ms):
        case BreakerState.OPEN:
            seconds = -(-(standing.breaker.paused_until_ms - now_ms) // 1_000)
            return f"no work for {seconds} s, then one job at a time until one verifies. Last faults: {why}"
        case BreakerState.HALF_OPEN:
            return f"one job at a time until one verifies. Last faults: {why}"
    return ""
