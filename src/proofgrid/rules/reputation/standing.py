"""How a prover stands: its counters, its breaker, and its last faults, after what happened to its leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.rules.reputation.breaker import Breaker, BreakerPolicy, BreakerState, after_outcome, state_of
from proofgrid.rules.reputation.counters import HALF_LIFE_MS, Counters, Fact, counted

PAUSED = "PAUSED"  #: code of the notice that says until when a prover gets no work, and why
RESUMED = "RESUMED"  #: of the one that says that it gets work as before
FAULTS_KEPT = 3  #: the last ones, to tell people
DETAIL_CHARS_MAX = 160  #: of each

#: Which fact a lease that ended by its prover's fault is; everything else that is its prover's fault is a crash.
FACT_OF_REASON: dict[ReturnReason, Fact] = {
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
    for one in happened:
        fault = one.fact not in (Fact.PROVEN, Fact.LATE)
        breaker = after_outcome(breaker, fault=fault, policy=policy.breaker, now_ms=now_ms)
        if fault:
            last_faults = (_said(one), *last_faults)[:FAULTS_KEPT]
    return Standing(
        counters=counted(standing.counters, facts, now_ms=now_ms, half_life_ms=policy.half_life_ms),
        breaker=breaker,
        last_faults=last_faults,
    )


def answer_for(standing: Standing, faults: Sequence[Happened], *, policy: ReputationPolicy, now_ms: int) -> Standing:
    """Return how a new prover stands after faults of another one of its operator's, oldest first.

    Only its breaker answers: names cost nothing, so until they have proven something they share one.
    """
    for one in faults:
        breaker = after_outcome(standing.breaker, fault=True, policy=policy.breaker, now_ms=now_ms)
        last_faults = (_said(one), *standing.last_faults)[:FAULTS_KEPT]
        standing = replace(standing, breaker=breaker, last_faults=last_faults)
    return standing


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
