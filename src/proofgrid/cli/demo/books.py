"""What everybody paid and earned in the demo: from the ledger, compared with what the bundle says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proofgrid.cli.demo.verified import ProvenJob
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.sdk.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Base units, all of them."""

    deposited: int
    left: int  #: what the client still has
    earned: Mapping[str, int]  #: by operator
    treasury: int  #: what is held beyond that: the market's surplus
    faults: tuple[str, ...]

    def lines(self) -> Iterator[tuple[str, str, int]]:
        """Yield (who, what, amount) for people."""
        yield "carol", "paid in all", self.deposited - self.left
        for name, amount in self.earned.items():
            yield name, "earned", amount
        yield "treasury", "the difference between buying and selling prices", self.treasury
        yield "carol", "has left", self.left


async def read_books(
    network: Client,
    client: Address,
    operators: Mapping[str, Address],
    jobs: Sequence[ProvenJob],
    *,
    deposited: int,
) -> Books:
    """Read the accounts and compare them with the bundle's jobs."""
    mine = await network.account(client)
    earned = {name: (await network.account(address)).earned for name, address in operators.items()}
    ledger = await network.admin.check_ledger()
    treasury = ledger.held - mine.balance - mine.escrowed - sum(earned.values())
    faults = [*ledger.faults] if ledger.balanced else ["the ledger does not balance", *ledger.faults]
    expected = {name: sum(job.paid for job in jobs if job.operator == address) for name, address in operators.items()}
    surplus = sum((job.price_buy - job.price_sell) * job.units for job in jobs)
    for name, amount in expected.items():
        faults += _differ(f"{name} earned", earned[name], amount)
    faults += _differ("the treasury holds", treasury, surplus)
    faults += _differ("carol paid", deposited - mine.balance, sum(expected.values()) + surplus)
    faults += _differ("deposited was", ledger.minted, deposited)
    return Books(deposited=deposited, left=mine.balance, earned=earned, treasury=treasury, faults=tuple(faults))


def _differ(what: str, ledger: int, bundle: int) -> list[str]:
    if ledger == bundle:
        return []
    return [f"{what} {format_amount(ledger)} in the ledger, but {format_amount(bundle)} in the bundle"]
