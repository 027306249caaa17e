"""What is an incident, and what is bad luck."""

from __future__ import annotations

import pytest

from proofgrid.primitives.ids import Address
from proofgrid.rules.incidents.signals import (
    InARow,
    LiePolicy,
    LiesOfEngine,
    LiesOfOperator,
    Signal,
    SlowTogether,
    of_violation,
    signal_of_engine,
    signals_of_operator,
)
from proofgrid.rules.ledger.incidents import check_sum

ALICE, BOB, CAROL, DAVE = (Address(f"0x{name}") for name in ("alice", "bob", "carol", "dave"))
POLICY = LiePolicy()


def lies(**changes: int) -> LiesOfOperator:
    return LiesOfOperator(operator=ALICE, **changes)


@pytest.mark.parametrize(
    ("of", "kinds"),
    [
        (lies(), []),
        (lies(invalid=4), []),
        (lies(invalid=5), ["invalid_proofs"]),
        (lies(invalid=5, results=95), ["invalid_proofs"]),
        (lies(invalid=5, results=96), []),
        (lies(false=4), []),
        (lies(false=5), ["false_claims"]),
        (lies(equivocations=1), ["equivocation"]),
        (lies(equivocations=1, invalid=5, false=5), ["equivocation", "invalid_proofs", "false_claims"]),
    ],
)
def test_lies_of_an_operator_are_incidents_past_their_thresholds(of: LiesOfOperator, kinds: list[str]) -> None:
    found = signals_of_operator(of, POLICY)
    assert [one.kind for one in found] == kinds
    assert {one.subject for one in found} <= {ALICE}


@pytest.mark.parametrize(
    ("liars", "operators", "is_broken"),
    [
        ([ALICE, BOB], [ALICE, BOB], False),
        ([ALICE, BOB, CAROL], [], True),
        ([ALICE, ALICE, ALICE], [ALICE], False),
        ([ALICE, BOB, CAROL], [ALICE, BOB, CAROL, DAVE], True),
        ([ALICE, BOB, CAROL], [DAVE, Address("0xe"), Address("0xf"), Address("0xg")], False),
    ],
)
def test_an_engine_is_broken_when_half_of_its_operators_cannot_prove_with_it(
    liars: list[Address], operators: list[Address], is_broken: bool
) -> None:
    found = signal_of_engine(LiesOfEngine(engine="toy@1", liars=liars, operators=operators), POLICY)
    assert (found is not None) is is_broken
    if found is not None:
        assert (found.kind, found.subject) == ("engine_broken", "toy@1")


def test_a_violation_of_the_ledger_is_a_signal_of_its_kind() -> None:
    [violation] = check_sum(5)
    assert of_violation(violation) == Signal(kind="sum", subject="ledger", detail=violation.detail)


def test_a_signal_names_a_kind_of_the_table() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        Signal(kind="made up", subject="x", detail="")


def test_once_is_nothing_and_so_is_a_pause() -> None:
    row = InARow(times=3)
    assert [row.note(seen) for seen in (True, True, False, True, True, True)] == [False] * 5 + [True]
    assert [row.note(seen) for seen in (False, False, True, False, False, False)] == [True] * 5 + [False]


@pytest.mark.parametrize(
    ("answers", "is_on"),
    [
        ([1.0, 1.0, 1.0], False),  # no longer than a second
        ([1.2, 1.2], False),
        ([1.2, 1.2, 1.2], True),
        ([1.2, 0.1, 1.2, 1.2], False),  # a good one in between
        ([2.5], True),
        ([1.2, 1.3], True),
    ],
)
def test_slow_answers_count_with_what_they_took_together(answers: list[float], is_on: bool) -> None:
    slow = SlowTogether()
    for took in answers:
        slow.note(took, is_answered=True)
    assert slow.is_on is is_on


def test_nobody_waits_for_an_answer_to_know_that_it_is_slow() -> None:
    slow = SlowTogether()
    assert slow.decides_after_seconds == 2.5
    assert [slow.note(waited, is_answered=False) for waited in (0.5, 2.4, 2.5)] == [False, False, True]


def test_a_database_that_answers_again_is_believed_after_three_answers() -> None:
    slow = SlowTogether()
    slow.note(3.0, is_answered=True)
    assert [slow.note(took, is_answered=True) for took in (0.1, 0.1, 1.5, 0.1, 0.1, 0.1)] == [True] * 5 + [False]
