"""An account statement: what moved on one owner's accounts between two balances, explained to the last unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proofgrid.primitives.ids import AccountId
from proofgrid.rules.ledger.accounts import MINT, TREASURY
from proofgrid.rules.ledger.settlement import SurplusTo

#: Kinds of accounts named "<kind>:<address>". Escrows are named by tasks, and belong to the tasks' clients.
KINDS_OF_ADDRESSES = ("client", "operator", "stake", "unbonding", "payable")
#: What slashed bonds hold for whoever proves a job after all: nobody's yet.
RESCUE = "rescue"
#: What firm quotes hold, and the escrows of the tasks that they were redeemed for.
QUOTE = "quote"
#: Who owns what no address owns; statements of these are for administrators.
NETWORK_OWNERS = (MINT, TREASURY, RESCUE, QUOTE)
#: Payments whose amount is the job's units times a price.
PRICED_REASONS = frozenset({"proof", *(to.reason for to in SurplusTo)})


def accounts_of(owner: str) -> list[AccountId]:
    """Return the accounts that carry the owner's own name: an address, or one of the network's owners."""
    if owner in (RESCUE, QUOTE):
        return []  # one for each job or quote
    if owner in (MINT, TREASURY):
        return [AccountId(owner)]
    return [AccountId(f"{kind}:{owner}") for kind in KINDS_OF_ADDRESSES]


def price_of(reason: str, *, amount: int, units: int) -> int:
    """Return the price per unit of a movement, 0 when it was not made by a price."""
    if reason not in PRICED_REASONS or units <= 0:
        return 0
    return abs(amount) // units


@dataclass(slots=True)
class Running:
    """The balance as movements are read one after the other, and their sums by reason."""

    balance: int
    movements: int = 0
    _sums: dict[str, tuple[int, int]] = field(default_factory=dict)

    def move(self, amount: int, reason: str) -> int:
        """Return the balance after a movement."""
        self.balance += amount
        self.movements += 1
        so_far, number = self._sums.get(reason, (0, 0))
        self._sums[reason] = (so_far + amount, number + 1)
        return self.balance

    @property
    def sums(self) -> Mapping[str, tuple[int, int]]:
        """Sum and number of the movements by reason, in the order of the reasons' names."""
        return dict(sorted(self._sums.items()))
