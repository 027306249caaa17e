"""What an operator's bond carries: how much of it held leases bind, what is free, and how many slots that is.

    required(lease) = value x stake_permille / 1000, rounded up       value: units x price, at most the ceiling
    capacity(bond)  = bond x overcommit
    free            = capacity - what the held leases bind

Which price a lease will have is not known before its round. So a slot is counted at a public bound, twice its lane's
reference price, and a lease never binds more than that, whatever it was sold at. Nobody's bid or ask moves the bound.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidField

PERMILLE = 1_000
CEILING_TIMES = 2  #: the reference price, far above the window in which a round's clocks start
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BondPolicy:
    """What leases bind. The default asks for nothing; a bond that is there is slashed all the same."""

    stake_permille: int = 0  #: of a lease's value; 0: nobody needs a bond
    overcommit: int = 1  #: a bond carries so many times its amount
    unbonding_ms: int = 7 * DAY_MS  #: what is withdrawn can still be slashed for so long

    def __post_init__(self) -> None:
        if self.stake_permille < 0 or self.overcommit < 1 or self.unbonding_ms < 0:
            raise InvalidField("stake and delay are not negative, a bond carries itself at least", field="stake")

    @property
    def is_asked(self) -> bool:
        """Does anybody need a bond?"""
        return self.stake_permille > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSlots:
    """The free slots of one prover, and what one of them may bind at most."""

    prover_id: str
    operator: str
    slots: int
    slot_binds: int  #: base units, in the dearest of its lanes


def ceiling_price(reference: int) -> int:
    """Return the price per unit above which a lease binds no more."""
    return CEILING_TIMES * reference


def bound_by_lease(*, units: int, sell_price: int, reference: int, policy: BondPolicy) -> int:
    """Return what a lease binds, rounded up."""
    value = units * min(sell_price, ceiling_price(reference))
    return -(-value * policy.stake_permille // PERMILLE)


def capacity(bond: int, policy: BondPolicy) -> int:
    """Return what leases may bind in all."""
    return bond * policy.overcommit


def free_capacity(bond: int, bound: int, policy: BondPolicy) -> int:
    """Return what further leases may bind."""
    return max(0, capacity(bond, policy) - bound)


def removable(bond: int, bound: int, policy: BondPolicy) -> int:
    """Return how much of a bond can be unbonded while leases bind so much."""
    return max(0, bond - -(-bound // policy.overcommit))


def cap_slots(provers: Iterable[FreeSlots], free: Mapping[str, int]) -> dict[str, int]:
    """Return how many slots each prover may offer, so that all of its operator's together stay within `free`.

    Slots are given one by one, in turn, in the order of the provers' ids: sizes and bonds decide, never a price.
    """
    by_operator: dict[str, list[FreeSlots]] = defaultdict(list)
    for prover in sorted(provers, key=lambda prover: prover.prover_id):
        by_operator[prover.operator].append(prover)
    slots: dict[str, int] = {}
    for operator, theirs in by_operator.items():
        left = free.get(operator, 0)
        slots |= {prover.prover_id: 0 for prover in theirs}
        waiting = [prover for prover in theirs if prover.slots]
        while waiting:
            still = []
            for prover in waiting:
                if prover.slot_binds <= left:
                    left -= prover.slot_binds
                    slots[prover.prover_id] += 1
                    if slots[prover.prover_id] < prover.slots:
                        still.append(prover)
            waiting = still
    return slots
