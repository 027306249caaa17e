"""When what was seen is an incident: thresholds as values, decisions as functions, time as an argument."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.ids import Address
from proofgrid.rules.incidents.kinds import KINDS
from proofgrid.rules.ledger.incidents import Violation

DETAIL_CHARS_MAX = 1_000
WINDOW_MS = 600_000  #: in which lies are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What was seen past its threshold: it opens an incident, or is counted on the one that is open."""

    kind: str  #: of rules/incidents/kinds.py
    subject: str
    detail: str
    facts: Mapping[str, Json] = field(default_factory=dict)  #: what was counted, for whoever looks later
    since_ms: int = 0  #: when it could be seen first, by the database's clock; 0: now

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of incident: {self.kind}")


def of_violation(violation: Violation) -> Signal:
    """Return the signal that a violation of the ledger's rules is."""
    return Signal(kind=violation.kind, subject=violation.subject, detail=violation.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiePolicy:
    """How many lies are too many, in `WINDOW_MS`."""

    invalid_max: int = 5  #: of an operator: so many,
    invalid_one_in: int = 20  #: and at least one in so many of its results
    false_max: int = 5
    engine_operators: int = 3  #: so many operators, each proven before,
    engine_share_permille: int = 500  #: and such a share of those that handed in proofs by the engine
    proven_before: int = 8  #: jobs: who has proven fewer says nothing of an engine


@dataclass(frozen=True, slots=True, kw_only=True)
class LiesOfOperator:
    """What gateways found of one operator in the window."""

    operator: Address
    invalid: int = 0
    false: int = 0
    equivocations: int = 0
    results: int = 0  #: proofs that verified, besides
    first_ms: int = 0


def signals_of_operator(lies: LiesOfOperator, policy: LiePolicy) -> list[Signal]:
    """Return the incidents that the lies of an operator are."""
    found: list[Signal] = []
    of = f"of {lies.operator} in ten minutes"
    if lies.equivocations:
        found.append(_of_operator("equivocation", lies, f"{lies.equivocations} leases {of} with two signed results"))
    results = lies.invalid + lies.results
    if lies.invalid >= policy.invalid_max and lies.invalid * policy.invalid_one_in >= results:
        found.append(_of_operator("invalid_proofs", lies, f"{lies.invalid} of {results} results {of} did not verify"))
    if lies.false >= policy.false_max:
        found.append(_of_operator("false_claims", lies, f"{lies.false} claims {of} were found to be false"))
    return found


def _of_operator(kind: str, lies: LiesOfOperator, detail: str) -> Signal:
    facts: dict[str, Json] = {
        "invalid": lies.invalid,
        "false": lies.false,
        "equivocations": lies.equivocations,
        "results": lies.results,
    }
    return Signal(kind=kind, subject=lies.operator, detail=detail, facts=facts, since_ms=lies.first_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiesOfEngine:
    """What gateways found of one version of an engine in the window."""

    engine: str
    liars: Sequence[Address]  #: operators with invalid proofs by it, that had proven enough jobs before
    operators: Collection[Address]  #: all that handed in proofs by it
    first_ms: int = 0


def signal_of_engine(lies: LiesOfEngine, policy: LiePolicy) -> Signal | None:
    """Return the incident that an engine is whose proofs do not verify at many operators, if it is one."""
    liars, operators = sorted(set(lies.liars)), set(lies.operators) | set(lies.liars)
    if len(liars) < policy.engine_operators or len(liars) * 1_000 < len(operators) * policy.engine_share_permille:
        return None
    detail = f"proofs by {lies.engine} of {len(liars)} of {len(operators)} operators did not verify in ten minutes"
    facts: dict[str, Json] = {"liars": list(liars), "operators": len(operators), "first_ms": lies.first_ms}
    return Signal(kind="engine_broken", subject=lies.engine, detail=detail, facts=facts, since_ms=lies.first_ms)


STARVES_MS = 600_000
ABUSE_MAX, ABUSE_WINDOW_SECONDS = 100, 60.0
DATABASE_SLOW_SECONDS, DATABASE_SLOW_TOGETHER_SECONDS = 1.0, 2.5
STORE_SLOW_SECONDS = 2.0
DISK_FREE_BYTES = 256 << 20
CERTIFICATE_LEFT_MS = 7 * 24 * 3_600_000
CLOCK_SKEW_MS = 2_000
REGION_PROVERS, REGION_OPERATORS = 3, 2  #: fewer say nothing of a region


def is_starving(oldest_ms: int) -> bool:
    """Has a job that somebody would take at its price waited too long?"""
    return oldest_ms > STARVES_MS


def abuses(host: str) -> Signal:
    """Return the signal that a network address is from which so many bad credentials came."""
    detail = f"{ABUSE_MAX} tokens or keys that are good for nothing came from {host} in {ABUSE_WINDOW_SECONDS:g} s"
    return Signal(kind="token_abuse", subject=host, detail=detail, facts={"times": ABUSE_MAX})


def starves(lane: str, oldest_ms: int) -> Signal:
    """Return the signal that a lane is in which a job waits for so long."""
    detail = f"a job of {lane} that pays what is asked has been waiting for {oldest_ms // 1_000} s"
    return Signal(kind="lane_starves", subject=lane, detail=detail, facts={"oldest_ms": oldest_ms})


def region_is_silent(region: str, *, provers: int, heard_ms: int) -> Signal:
    """Return the signal that a region is of which no prover is heard."""
    detail = f"none of {provers} provers in {region} is heard"
    facts: dict[str, Json] = {"provers": provers, "heard_ms": heard_ms}
    return Signal(kind="region_silent", subject=region, detail=detail, facts=facts)


@dataclass(slots=True)
class InARow:
    """Says when something was seen so many times in a row, and, as often, that it is gone."""

    times: int
    seen: int = 0
    gone: int = 0
    is_on: bool = False

    def note(self, seen: bool) -> bool:
        """Count a look; return whether it is on now."""
        self.seen, self.gone = (self.seen + 1, 0) if seen else (0, self.gone + 1)
        if self.seen >= self.times:
            self.is_on = True
        elif self.gone >= self.times:
            self.is_on = False
        return self.is_on


@dataclass(slots=True)
class SlowTogether:
    """Says when answers were slow for so long together, with no good one in between; so many good ones end it.

    One that has not come yet counts with what it has been waited for: nobody waits for it to know that it is slow.
    """

    slow_seconds: float = DATABASE_SLOW_SECONDS  #: one that takes longer is slow
    together_seconds: float = DATABASE_SLOW_TOGETHER_SECONDS
    good_times: int = 3
    before_seconds: float = 0.0  #: what the slow ones before took
    good: int = 0
    is_on: bool = False

    def note(self, took_seconds: float, *, is_answered: bool) -> bool:
        """Count an answer, or one that is not there yet; return whether it is on now."""
        if took_seconds > self.slow_seconds:
            self.good = 0
            self.is_on = self.is_on or self.before_seconds + took_seconds >= self.together_seconds
            self.before_seconds += took_seconds if is_answered else 0.0
        elif is_answered:
            self.before_seconds = 0.0
            self.good += 1
            self.is_on = self.is_on and self.good < self.good_times
        return self.is_on

    @property
    def is_doubted(self) -> bool:
        """Was the last answer slow, so that the next question should come at once?"""
        return self.before_seconds > 0

    @property
    def decides_after_seconds(self) -> float:
        """For how long an answer must be waited for until it says something new."""
        return self.slow_seconds if self.is_on else max(self.slow_seconds, self.together_seconds - self.before_seconds)
