"""The double-entry ledger: money moves from one account to another, and is never made or lost on the way.

    mint --deposit--> client:<address> --escrow--> escrow:<task id> --pay--> operator:<address>
                            ^                          |   |
                            +--------- refund ---------+   +--- surplus ---> treasury, or mint (burnt)

    operator:<address> --bond--> stake:<address> --unbond--> unbonding:<address> --withdraw--> operator:<address>
                                       +----- slash -----> mint (burnt), client:<address>, rescue:<job id>
    rescue:<job id> ----> operator:<address> who proved the job after all, or client:<address>

    client:<address>, operator:<address> --payout--> payable:<address> --claimed on a chain--> mint

    client:<address>, stake:<address> ----> quote:<quote id> --escrow--> escrow:<task id>; what comes back goes to
    client:<address>, operator:<address>, stake:<address>, or is burnt (rules/ledger/firm_quotes.py)

`mint` is the outside world: minus what was deposited and not yet withdrawn or burnt. It is the only account below
zero, so all accounts sum to zero at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import AMOUNT_MAX, check_amount, format_amount

MINT = AccountId("mint")
TREASURY = AccountId("treasury")
NETWORK_CLIENT = Address(f"0x{0:040}")  #: whose tasks canaries are; nobody knows a key of this address
#: Of accounts named "<kind>:<whose>".
OWNED_KINDS = ("client", "escrow", "operator", "stake", "unbonding", "rescue", "quote", "payable")


def client_account(address: Address) -> AccountId:
    """Return the account from which a client pays: the network's own tasks are paid by the treasury."""
    if address == NETWORK_CLIENT:
        return TREASURY
    return AccountId(f"client:{address}")


def escrow_account(task_id: str) -> AccountId:
    """Return the account that holds a task's budget until its jobs are proven."""
    return AccountId(f"escrow:{task_id}")


def operator_account(address: Address) -> AccountId:
    """Return the account on which an operator is paid."""
    return AccountId(f"operator:{address}")


def stake_account(address: Address) -> AccountId:
    """Return the account that holds an operator's bond."""
    return AccountId(f"stake:{address}")


def unbonding_account(address: Address) -> AccountId:
    """Return the account on which a part of a bond waits for its withdrawal, and can still be slashed."""
    return AccountId(f"unbonding:{address}")


def rescue_account(job_id: str) -> AccountId:
    """Return the account that holds what slashes left for whoever proves a job after all."""
    return AccountId(f"rescue:{job_id}")


def quote_account(quote_id: str) -> AccountId:
    """Return the account that holds a firm quote's cost and premium, and the pledges of those who stand behind it."""
    return AccountId(f"quote:{quote_id}")


def payable_account(address: Address) -> AccountId:
    """Return the account that holds what an address may claim on a chain."""
    return AccountId(f"payable:{address}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that moves once. Posting it twice moves it once."""

    transfer_id: str  #: idempotency key
    debit: AccountId  #: the money leaves here
    credit: AccountId  #: and arrives here
    amount: int  #: base units
    reason: str
    task_id: str | None = None
    job_id: str | None = None
    lane: str | None = None
    round_number: int | None = None  #: the round of `lane` that made the price

    def __post_init__(self) -> None:
        if not self.transfer_id:
            raise InvalidField("a transfer has an id", field="transfer_id")
        check_amount(self.amount, field="amount")
        _check_account(self.debit, field="debit")
        _check_account(self.credit, field="credit")
        if self.debit == self.credit:
            raise InvalidField("money moves between two different accounts", field="credit")


class Ledger:
    """All balances and all transfers ever posted."""

    def __init__(self) -> None:
        self._balances: dict[AccountId, int] = {}
        self._posted: dict[str, Transfer] = {}

    def balance(self, account: AccountId) -> int:
        """Return what the account holds; 0 when nothing was ever posted on it."""
        return self._balances.get(account, 0)

    @property
    def balances(self) -> Mapping[AccountId, int]:
        """A view of all accounts."""
        return MappingProxyType(self._balances)

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """Every transfer, in the order in which they were posted."""
        return tuple(self._posted.values())

    def post(self, transfers: Iterable[Transfer]) -> list[Transfer]:
        """Post all of the transfers, in order, or none; return those that were new.

        Raises IdempotencyConflict when a transfer id was posted before with other content, InsufficientFunds when
        an account other than the mint would fall below zero after any of the transfers.
        """
        fresh: dict[str, Transfer] = {}
        balances: dict[AccountId, int] = {}
        for transfer in transfers:
            known = self._posted.get(transfer.transfer_id) or fresh.get(transfer.transfer_id)
            if known is None:
                self._move(transfer, balances)
                fresh[transfer.transfer_id] = transfer
            elif known != transfer:
                raise IdempotencyConflict(
                    f"the transfer {transfer.transfer_id!r} was posted before with another content", field="transfer_id"
                )

        self._balances.update(balances)
        self._posted.update(fresh)
        return list(fresh.values())

    def _move(self, transfer: Transfer, balances: dict[AccountId, int]) -> None:
        """Move money in `balances`, which overlays the ledger until the whole list is known to be good."""
        debit = balances.get(transfer.debit, self.balance(transfer.debit)) - transfer.amount
        credit = balances.get(transfer.credit, self.balance(transfer.credit)) + transfer.amount
        if debit < (-AMOUNT_MAX if transfer.debit == MINT else 0):
            raise InsufficientFunds(_shortage(transfer, debit), field="amount")
        balances[transfer.debit], balances[transfer.credit] = debit, credit


def _shortage(transfer: Transfer, debit: int) -> str:
    if transfer.debit == MINT:
        return f"no more than {AMOUNT_MAX} base units can be in circulation"
    return (
        f"{transfer.debit} holds {format_amount(debit + transfer.amount)},"
        f" the transfer {transfer.transfer_id!r} takes {format_amount(transfer.amount)}"
    )


def _check_account(account: str, *, field: str) -> None:
    kind, _, whose = account.partition(":")
    if account in (MINT, TREASURY) or (kind in OWNED_KINDS and whose):
        return
    kinds = ", ".join(f"{kind}:<id>" for kind in OWNED_KINDS)
    raise InvalidField(f"an account is {MINT}, {TREASURY} or one of {kinds}", field=field)
