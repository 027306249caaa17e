"""What a bond did not cover and a chain is asked for: the life of such a debt, and when it is asked for.

    owed --proposed, for several at once--> proposed --executed--> executed --its block is final--> final | short
      |                                        `--vetoed by the owner--> vetoed
      `--the slash was overturned before--> dropped

A proposal costs gas, so debts of one operator wait for each other until they are `least` together; who leaves, or takes
stake away, is asked at once, and nobody's debts wait for longer than `patience_ms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eth_hash.auto import keccak

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.merkle import MerkleTree


class DebtState(StrEnum):
    OWED = "owed"
    DROPPED = "dropped"
    PROPOSED = "proposed"
    VETOED = "vetoed"
    EXECUTED = "executed"
    FINAL = "final"
    SHORT = "short"  #: less was there than was asked for


#: What may follow a state.
AFTER: Mapping[DebtState, frozenset[DebtState]] = {
    DebtState.OWED: frozenset({DebtState.PROPOSED, DebtState.DROPPED}),
    DebtState.PROPOSED: frozenset({DebtState.VETOED, DebtState.EXECUTED, DebtState.FINAL, DebtState.SHORT}),
    DebtState.EXECUTED: frozenset({DebtState.PROPOSED, DebtState.FINAL, DebtState.SHORT}),  # back: its block is gone
    DebtState.DROPPED: frozenset(),
    DebtState.VETOED: frozenset(),
    DebtState.FINAL: frozenset(),
    DebtState.SHORT: frozenset(),
}

#: While it lasts, a debt is taken off what the stake stands for.
WAITING = (DebtState.OWED, DebtState.PROPOSED, DebtState.EXECUTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What one slash could not take of the bond, in units of the ledger."""

    evidence_id: str
    operator: str  #: the hot key
    amount: int
    age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingTerms:
    """When a chain is asked."""

    least: int = 1  #: units of the ledger, of one operator together
    patience_ms: int = 3_600_000


def due(debts: Iterable[Debt], terms: AskingTerms, *, most: int, leaving: Iterable[str] = ()) -> dict[str, list[Debt]]:
    """Return the debts that are asked for now, by operator, as many as come to `most`, but one at least.

    `leaving`: who is no member any more, or takes stake away.
    """
    by_operator: dict[str, list[Debt]] = {}
    for debt in sorted(debts, key=lambda debt: debt.evidence_id):
        theirs = by_operator.setdefault(debt.operator, [])
        if not theirs or sum(one.amount for one in theirs) + debt.amount <= most:
            theirs.append(debt)
    urgent = set(leaving)
    return {
        operator: theirs
        for operator, theirs in by_operator.items()
        if operator in urgent
        or sum(debt.amount for debt in theirs) >= terms.least
        or max(debt.age_ms for debt in theirs) >= terms.patience_ms
    }


def seen_state(*, is_vetoed: bool, is_executed: bool, is_final: bool, is_short: bool) -> DebtState:
    """Return the state of a debt whose proposal stands in the contract; a veto counts when it is final."""
    if is_executed:
        if not is_final:
            return DebtState.EXECUTED
        return DebtState.SHORT if is_short else DebtState.FINAL
    return DebtState.VETOED if is_vetoed and is_final else DebtState.PROPOSED


def evidence_leaf(evidence_id: str, operator: str, amount: int) -> bytes:
    """Return the leaf of one debt: keccak256 of its text, twice.

    Whoever has the evidence file knows all of the text: `proofgrid slash 1 <evidence> <operator> <amount>`.
    """
    if amount < 1:
        raise InvalidField("a debt is at least 1", field="amount")
    return keccak(keccak(f"proofgrid slash 1 {evidence_id} {operator.lower()} {amount}".encode()))


def evidence_tree(debts: Sequence[Debt]) -> MerkleTree:
    """Return the tree whose root a proposal names, with one leaf for each debt, in the order of the evidence's ids."""
    ordered = sorted(debts, key=lambda debt: debt.evidence_id)
    return MerkleTree([evidence_leaf(debt.evidence_id, debt.operator, debt.amount) for debt in ordered])


def shares(taken: int, amounts: Mapping[str, int]) -> dict[str, int]:
    """Split what was taken over the debts that it was asked for; what cannot be split goes to the first ones."""
    total = sum(amounts.values())
    if total <= taken:
        return dict(amounts)
    found = {name: amount * taken // total for name, amount in amounts.items()}
    rest = taken - sum(found.values())
    for name in list(amounts)[:rest]:
        found[name] += 1
    return found
