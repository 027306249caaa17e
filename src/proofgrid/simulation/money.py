"""The world's accounts as columns. Which money moves is that of `rules.ledger.settlement`; tests hold them together.

mint --> client --> escrow of a job --> machine (price), treasury (surplus), client (refund)
mint --> bond of a machine --> treasury (slash)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proofgrid.primitives.errors import ProofgridError
from proofgrid.rules.market.columns import Column


class MoneyLost(ProofgridError):
    """Money was made or lost on its way."""

    code = "PG-421"


@dataclass(slots=True, eq=False)
class Accounts:
    """All balances, in base units."""

    client: Column
    escrow: Column  #: by job
    machine: Column
    bond: Column  #: by machine
    mint: int = 0
    treasury: int = 0

    @classmethod
    def opened(cls, *, funds: Column, jobs: int, bonds: Column) -> Accounts:
        """Return accounts that hold what clients and operators brought in."""
        return cls(
            client=funds.copy(),
            escrow=np.zeros(jobs, dtype=np.int64),
            machine=np.zeros(len(bonds), dtype=np.int64),
            bond=bonds.copy(),
            mint=-int(funds.sum()) - int(bonds.sum()),
        )

    def set_aside(self, jobs: Column, clients: Column, amounts: Column) -> None:
        """Take the most that these jobs can cost."""
        self.escrow[jobs] += amounts
        np.subtract.at(self.client, clients, amounts)

    def pay(
        self, jobs: Column, clients: Column, machines: Column, units: Column, buy_price: Column, sell_price: Column
    ) -> None:
        """Pay for proven jobs and give the rest back."""
        np.add.at(self.machine, machines, sell_price * units)
        self.treasury += int(((buy_price - sell_price) * units).sum())
        self.escrow[jobs] -= buy_price * units
        self.refund(jobs, clients)

    def refund(self, jobs: Column, clients: Column) -> None:
        """Give back what is left of these jobs' escrow."""
        np.add.at(self.client, clients, self.escrow[jobs])
        self.escrow[jobs] = 0

    def pay_at_once(self, client: int, machines: Column, units: Column, buy_price: Column, sell_price: Column) -> int:
        """Let a client pay for capacity that she does not use; return what it cost her."""
        paid = int((buy_price * units).sum())
        self.client[client] -= paid
        np.add.at(self.machine, machines, sell_price * units)
        self.treasury += int(((buy_price - sell_price) * units).sum())
        return paid

    def slash(self, machine: int, amount: int) -> int:
        """Take from a bond what is there; return it."""
        taken = min(amount, int(self.bond[machine]))
        self.bond[machine] -= taken
        self.treasury += taken
        return taken

    def check(self) -> None:
        """Raise MoneyLost unless all accounts sum to zero and none but the mint is below zero."""
        columns = (self.client, self.escrow, self.machine, self.bond)
        total = self.mint + self.treasury + sum(int(column.sum()) for column in columns)
        if total:
            raise MoneyLost(f"all accounts together hold {total} base units, not 0")
        if self.treasury < 0 or any(column.min(initial=0) < 0 for column in columns):
            raise MoneyLost("an account other than the mint is below zero")
