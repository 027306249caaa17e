"""A proof that comes after its lease was taken back: whether it is still taken, and at which price. One table.

the lease was taken back because    of its price   if it comes within   why
not_picked_up                        900 ‰           30 s               its result was on the way; nobody is blamed
not_started                          500 ‰           10 min             it sat on it, and proved it all the same
prover_lost                          750 ‰           10 min             a line was cut; the prover proved all the same
timed_out                            500 ‰           10 min             it was too slow, and nobody else was faster
store_fault, its result was there   1000 ‰           10 min             in time: the gateway was late, not the prover
anything else                       nothing is taken: its prover gave it back, or handed in what is no proof

It is taken while its job waits for another lease, and only then; what the lease cost its operator stays lost. What the
operator does not get, the client keeps; the surplus is paid in full, so nobody saves it by being late for himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.jobs.retry import ReturnReason

_WHOLE_PERMILLE = 1_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRule:
    """What is paid of a lease's price (1/1000), and how long after the lease's end its proof is still taken."""

    price_permille: int
    within_ms: int
    reported: bool = False  #: only of a lease whose result was there in time


LATE_RULES: Mapping[str, LateRule] = {
    ReturnReason.NOT_PICKED_UP: LateRule(price_permille=900, within_ms=_MINUTE_MS // 2),
    ReturnReason.NOT_STARTED: LateRule(price_permille=500, within_ms=10 * _MINUTE_MS),
    ReturnReason.PROVER_LOST: LateRule(price_permille=750, within_ms=10 * _MINUTE_MS),
    ReturnReason.TIMED_OUT: LateRule(price_permille=500, within_ms=10 * _MINUTE_MS),
    ReturnReason.STORE_FAULT: LateRule(price_permille=1_000, within_ms=10 * _MINUTE_MS, reported=True),
}

LATE_MS_MAX = max(rule.within_ms for rule in LATE_RULES.values())  #: a prover keeps what it has proven for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Base units per PU: what the client pays, what the operator gets."""

    buy: int
    sell: int


def is_taken_late(reason: str, *, reported: bool, ended_for_ms: int) -> bool:
    """Is a proof still taken so long after its lease ended for this reason?

    `reported`: its result was there in time.
    """
    rule = LATE_RULES.get(reason)
    return rule is not None and (reported or not rule.reported) and 0 <= ended_for_ms <= rule.within_ms


def late_prices(reason: str, agreed: Prices) -> Prices:
    """Return what a late proof costs, out of the prices that its lease was sold at; rounded in the operator's favour.

    Raises InvalidField for a reason after which nothing is taken.
    """
    rule = LATE_RULES.get(reason)
    if rule is None or not 0 <= agreed.sell <= agreed.buy:
        raise InvalidField("no proof is taken late after this, or at these prices", field="reason")
    sell = -(-agreed.sell * rule.price_permille // _WHOLE_PERMILLE)
    return Prices(buy=agreed.buy - (agreed.sell - sell), sell=sell)


def may_be_paid(paid: Prices, agreed: Prices) -> bool:
    """Can a proof that was sold at the prices `agreed` have been paid so, in time or late?"""
    return paid == agreed or paid in [late_prices(reason, agreed) for reason in LATE_RULES]
