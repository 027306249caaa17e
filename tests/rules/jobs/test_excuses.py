"""Every code that a prover may give has one row, its outcomes have rules, and the published table says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.rules.jobs.excuses import (
    EXCUSES,
    OTHER_CODES,
    SLASHED,
    Checks,
    ExcuseRule,
    Finding,
    costs,
    excuse_of,
)
from proofgrid.rules.jobs.retry import FOREVER_MS, RETRY_RULES, ReturnReason, ends_by_attempts, is_own_failure
from proofgrid.rules.staking.slashing import SLASH_RULES, may_be_slashed, slash_reason

PAGE = Path(__file__).parents[3] / "docs" / "excuses.md"


def rows() -> list[str]:
    """The table as it is published."""
    return [
        f"| {', '.join(rule.codes)} | {rule.says} | {rule.checks} | {_meaning(rule, Finding.TRUE)}"
        f" | {_meaning(rule, Finding.FALSE)} | `{rule.unknown}`: {costs(rule.unknown)} |"
        for rule in EXCUSES
    ]


def _meaning(rule: ExcuseRule, finding: Finding) -> str:
    reason = {Finding.TRUE: rule.true, Finding.FALSE: rule.false}[finding]
    return "" if reason is None else f"`{reason}`: {costs(reason)}"


@pytest.mark.parametrize("row", rows())
def test_the_table_is_published_as_it_is(row: str) -> None:
    assert row in PAGE.read_text().splitlines()


def test_what_is_slashed_is_what_the_table_of_slashes_says() -> None:
    slashed = {reason for rule in EXCUSES for reason in rule.reasons if may_be_slashed(reason)}
    assert slashed == set(SLASHED)
    for reason, said in SLASHED.items():
        why = slash_reason(reason, signed=False, gateway_at_fault=False)
        assert why is not None
        assert said.startswith(f"{SLASH_RULES[why].share} ")


def test_no_code_stands_in_two_rows() -> None:
    codes = [code for rule in EXCUSES for code in rule.codes]
    assert len(codes) == len(set(codes))


@given(code=st.text(max_size=16))
def test_a_code_that_nobody_knows_is_a_failure_of_its_provers_own(code: str) -> None:
    rule = excuse_of(code)
    assert rule in EXCUSES
    if not any(code in one.codes for one in EXCUSES):
        assert rule is OTHER_CODES


@pytest.mark.parametrize("rule", EXCUSES, ids=lambda rule: rule.codes[0])
def test_no_excuse_ends_a_task_unless_the_gateway_found_it_true(rule: ExcuseRule) -> None:
    for reason in rule.reasons:
        if reason is rule.true:
            continue
        retry = RETRY_RULES[reason]
        assert not retry.ends_task
        assert not retry.times_max
        # What counts as an attempt ends a task only together with other operators, or their judgement.
        assert retry.prover_at_fault or retry.judged


@pytest.mark.parametrize("rule", EXCUSES, ids=lambda rule: rule.codes[0])
def test_what_nobody_can_confirm_is_never_free(rule: ExcuseRule) -> None:
    retry = RETRY_RULES[rule.unknown]
    judged = rule.unknown is ReturnReason.UNPROVABLE  # and paid for if wrong
    # A client may seal garbage for a prover and have it blamed: so nobody is, and it never gets the job again.
    sealed = rule.unknown is ReturnReason.UNOPENED and retry.exclude_ms == FOREVER_MS
    assert retry.prover_at_fault or judged or sealed
    if rule.checks is Checks.NOBODY:
        assert rule.reason(Finding.TRUE) is rule.reason(Finding.FALSE) is rule.unknown


def test_honest_failures_of_a_machine_cost_its_prover_alone() -> None:
    assert is_own_failure("PG-320")
    assert not RETRY_RULES[excuse_of("PG-320").unknown].exclude_operator
    assert ends_by_attempts(excuse_of("PG-320").unknown)
