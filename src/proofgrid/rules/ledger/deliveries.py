"""Which transfers follow from proofs that are brought to contracts: the price, to the treasury, which pays for gas."""

from __future__ import annotations

from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import TREASURY, Transfer, client_account


def pay_delivery(*, task_id: str, client: Address, price: int) -> list[Transfer]:
    """Pay for a delivery, before anything of it is signed."""
    return _one(f"deliver:{task_id}", client_account(client), TREASURY, price, "delivery", task_id)


def give_back_delivery(*, task_id: str, client: Address, price: int) -> list[Transfer]:
    """Give the price of a delivery back that was never signed."""
    return _one(f"undelivered:{task_id}", TREASURY, client_account(client), price, "delivery given back", task_id)


def _one(
    transfer_id: str, debit: AccountId, credit: AccountId, amount: int, reason: str, task_id: str
) -> list[Transfer]:
    if not check_amount(amount, field="price"):
        return []
    return [
        Transfer(transfer_id=transfer_id, debit=debit, credit=credit, amount=amount, reason=reason, task_id=task_id)
    ]
