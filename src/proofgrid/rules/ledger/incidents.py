"""What may never be true of a ledger. Each violation has a kind and a subject, so that it is told once.

Kinds found by the database itself: `payment` (a job paid twice, wrongly, without a proof, or a proof not paid),
`escrow` (more left a task's escrow than was set aside), `rest` (an ended task keeps money).
"""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.primitives.money import format_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Something that no sequence of transfers can bring about."""

    kind: str
    subject: str  #: the account or task
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is known of an account: the sum of its transfers before `from_ms`."""

    before: int = 0
    from_ms: int = 0


def check_sum(total: int) -> list[Violation]:
    """All accounts together hold nothing: what is inside came through `mint`."""
    if total == 0:
        return []
    return [Violation(kind="sum", subject="ledger", detail=f"all accounts sum to {format_amount(total)} instead of 0")]


def check_balance(account: str, *, balance: int, net: int) -> list[Violation]:
    """A balance is the sum of its transfers."""
    if balance == net:
        return []
    detail = f"the balance of {account} is {format_amount(balance)}, its transfers say {format_amount(net)}"
    return [Violation(kind="balance", subject=account, detail=detail)]
