"""What a prover may say when it hands a lease back: who can check it, and what it costs. One table.

code             says                     checked by            true             false         nobody can tell
PG-310, PG-311   an artifact is lost      gateway: store, hash  artifact_lost    false_excuse   unconfirmed
PG-300, 301, 520 a store or gateway fails gateway: its own eyes store_fault      -             unconfirmed
PG-510           it cannot be proven      gateway, last word    program_fault    refuted        unprovable
PG-350           a seal does not open     nobody                -                -             unopened
PG-330           the lease is declined    nobody                -                -             declined
PG-321           it took too long         nobody                -                -             timed_out
PG-320, others   its own child failed     nobody                -                -             child_crashed

What each of those reasons costs stands in retry.py. In short: what the gateway saw too costs nothing, what it found
false or cannot see counts against the prover and its operator, and no single operator's words end a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from proofgrid.rules.jobs.retry import RETRY_RULES, ReturnReason


class Checks(StrEnum):
    """Who can check an excuse."""

    ARTIFACTS = "the gateway reads what the job needs from the store and hashes it"
    WEATHER = "the gateway knows whether its store, its database or a gateway failed since the lease was sold"
    INPUT = "the gateway tries the input in a worker; else a proven prover of another operator has the last word"
    NOBODY = "nobody"


class Finding(StrEnum):
    """What came of the check."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcuseRule:
    """What one kind of excuse means, by what was found."""

    codes: tuple[str, ...]
    says: str
    checks: Checks
    unknown: ReturnReason
    true: ReturnReason | None = None  #: None: it is never found
    false: ReturnReason | None = None

    def reason(self, finding: Finding) -> ReturnReason:
        """Return the reason that the lease ends for."""
        found = {Finding.TRUE: self.true, Finding.FALSE: self.false}.get(finding)
        return self.unknown if found is None else found

    @property
    def reasons(self) -> tuple[ReturnReason, ...]:
        """All that may come of it."""
        return tuple(one for one in (self.true, self.false, self.unknown) if one is not None)


OTHER_CODES = ExcuseRule(
    codes=("PG-320", "any other"),
    says="its own child process or machine failed",
    checks=Checks.NOBODY,
    unknown=ReturnReason.CHILD_CRASHED,
)

EXCUSES: tuple[ExcuseRule, ...] = (
    ExcuseRule(
        codes=("PG-310", "PG-311"),
        says="an artifact of the job is lost or corrupt",
        checks=Checks.ARTIFACTS,
        true=ReturnReason.ARTIFACT_LOST,
        false=ReturnReason.FALSE_EXCUSE,
        unknown=ReturnReason.UNCONFIRMED,
    ),
    ExcuseRule(
        codes=("PG-300", "PG-301", "PG-520"),
        says="the store or a gateway does not answer",
        checks=Checks.WEATHER,
        true=ReturnReason.STORE_FAULT,
        unknown=ReturnReason.UNCONFIRMED,
    ),
    ExcuseRule(
        codes=("PG-510",),
        says="the program cannot prove this input",
        checks=Checks.INPUT,
        true=ReturnReason.PROGRAM_FAULT,
        false=ReturnReason.REFUTED,
        unknown=ReturnReason.UNPROVABLE,
    ),
    ExcuseRule(
        codes=("PG-350",), says="what was sealed does not open", checks=Checks.NOBODY, unknown=ReturnReason.UNOPENED
    ),
    ExcuseRule(codes=("PG-330",), says="it declines the lease", checks=Checks.NOBODY, unknown=ReturnReason.DECLINED),
    ExcuseRule(
        codes=("PG-321",), says="the job took longer than allowed", checks=Checks.NOBODY, unknown=ReturnReason.TIMED_OUT
    ),
    OTHER_CODES,
)

#: What is taken of a bond (rules/staking/slashing.py), for people.
SLASHED = {
    ReturnReason.REFUTED: "100 ‰ of the lease's value",
    ReturnReason.TIMED_OUT: "100 ‰ of the lease's value",
}

_RULE_OF_CODE = {code: rule for rule in EXCUSES for code in rule.codes}


def excuse_of(code: str) -> ExcuseRule:
    """Return the row of an error code that a prover gives; a code that nobody knows is a failure of its own."""
    return _RULE_OF_CODE.get(code, OTHER_CODES)


def costs(reason: ReturnReason) -> str:
    """Say in a few words what a lease that ends for this reason costs its operator."""
    rule = RETRY_RULES[reason]
    said = []
    if rule.prover_at_fault:
        said.append("a fault of the prover")
    if slash_of := SLASHED.get(reason):
        said.append(slash_of)
    if rule.exclude_operator:
        said.append(f"its operator does not get this job for {rule.exclude_ms // 1_000} s")
    if rule.ends_task:
        said.append("the task ends, charged")
    if rule.times_max:
        said.append(f"after {rule.times_max} times the task ends")
    return ", ".join(said) or "nothing"
