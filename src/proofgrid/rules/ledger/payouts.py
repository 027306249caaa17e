"""Which transfers follow from money that goes out over a vault, and how its units are those of the ledger.

    client:<address>, operator:<address> --payout--> payable:<address> --payout claimed--> mint

What is payable to an address stays there until the chain has paid it, in a block that is final. So what it was ever
paid out is what it claimed and what is payable, and only grows: batches say that number, whatever becomes of one.
"""

from __future__ import annotations

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import MINT, Transfer, payable_account


def request_payout(*, payout_id: str, account: AccountId, to: Address, amount: int) -> list[Transfer]:
    """Take money of the ledger out, for an address of the chain."""
    return [
        Transfer(
            transfer_id=f"payout:{payout_id}",
            debit=account,
            credit=payable_account(to),
            amount=check_amount(amount, field="amount", least=1),
            reason="payout",
        )
    ]


def note_claimed(*, account: Address, before: int, cumulative: int) -> list[Transfer]:
    """Note that the chain paid an address: `cumulative` in all, `before` of it was noted already."""
    return [
        Transfer(
            transfer_id=f"claimed:{account}:{cumulative}",
            debit=payable_account(account),
            credit=MINT,
            amount=check_amount(cumulative - before, field="amount", least=1),
            reason="payout claimed",
        )
    ]


def in_ledger(amount: int, unit: int) -> int:
    """Return an amount of the token's base units in units of the ledger, exactly. Raises InvalidField."""
    whole, rest = divmod(amount, unit)
    if amount < 0 or rest:
        raise InvalidField(
            f"{amount} base units of the token are no whole units of the ledger ({unit})", field="amount"
        )
    return whole


def on_chain(amount: int, unit: int) -> int:
    """Return an amount of the ledger in base units of the token."""
    return amount * unit
