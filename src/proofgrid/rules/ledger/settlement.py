"""Which transfers follow from what happened. Ids follow from the facts too, so whoever retries posts the same ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import (
    MINT,
    NETWORK_CLIENT,
    TREASURY,
    Transfer,
    client_account,
    escrow_account,
    operator_account,
)

WHOLE_PERMILLE = 1_000


class SurplusTo(StrEnum):
    """Where what clients pay beyond what operators receive goes; never back to who traded."""

    TREASURY = "treasury"
    BURN = "burn"  #: so that whoever rules the treasury gains nothing by bids and asks of its own (dara.md 6)

    @property
    def account(self) -> AccountId:
        """The account that receives it; what is burnt is gone as the burnt part of a slash is."""
        return MINT if self is SurplusTo.BURN else TREASURY

    @property
    def reason(self) -> str:
        """What statements call it."""
        return "surplus burnt" if self is SurplusTo.BURN else "surplus"


def deposit(*, deposit_id: str, client: Address, amount: int) -> list[Transfer]:
    """Bring money in from outside. `deposit_id` names the outside event, such as a transaction and its log index."""
    check_amount(amount, field="amount", least=1)
    return [
        Transfer(
            transfer_id=f"deposit:{deposit_id}",
            debit=MINT,
            credit=client_account(client),
            amount=amount,
            reason="deposit",
        )
    ]


def fund_treasury(*, deposit_id: str, amount: int) -> list[Transfer]:
    """Bring money in from outside for what the network itself pays, such as canaries."""
    check_amount(amount, field="amount", least=1)
    return [
        Transfer(
            transfer_id=f"fund:{deposit_id}", debit=MINT, credit=TREASURY, amount=amount, reason="treasury_funding"
        )
    ]


def withdraw(*, withdrawal_id: str, account: AccountId, amount: int) -> list[Transfer]:
    """Take money out: clients and operators withdraw, the treasury burns."""
    check_amount(amount, field="amount", least=1)
    return [
        Transfer(
            transfer_id=f"withdraw:{withdrawal_id}",
            debit=account,
            credit=MINT,
            amount=amount,
            reason="withdrawal",
        )
    ]


def burn(*, burn_id: str, account: AccountId, amount: int) -> list[Transfer]:
    """Destroy money: less is in circulation afterwards."""
    check_amount(amount, field="amount", least=1)
    return [Transfer(transfer_id=f"burn:{burn_id}", debit=account, credit=MINT, amount=amount, reason="burn")]


def escrow(*, task_id: str, client: Address, limit_price: int, units: int) -> list[Transfer]:
    """Set aside the most that a task can cost, before any of its jobs is sold."""
    return [
        Transfer(
            transfer_id=f"escrow:{task_id}",
            debit=client_account(client),
            credit=escrow_account(task_id),
            amount=check_amount(limit_price * units, field="limit_price"),
            reason="canary" if client == NETWORK_CLIENT else "escrow",
            task_id=task_id,
        )
    ]


def pay_for_proof(
    *,
    task_id: str,
    job_id: str,
    operator: Address,
    units: int,
    buy_price: int,
    sell_price: int,
    lane: str,
    round_number: int,
    surplus_to: SurplusTo = SurplusTo.TREASURY,
) -> list[Transfer]:
    """Pay for a verified proof: the operator at the sell price; what the client pays beyond it, to `surplus_to`.

    The ids name the job only, not the lease or the round: a job is paid once, whoever proved it. A second proof of
    the same job by somebody else is refused by the ledger as a conflict.
    """
    if buy_price < sell_price:
        raise InvalidField("a client never pays less than the operator receives", field="buy_price")
    payment = Transfer(
        transfer_id=f"pay:{job_id}",
        debit=escrow_account(task_id),
        credit=operator_account(operator),
        amount=check_amount(sell_price * units, field="sell_price"),
        reason="proof",
        task_id=task_id,
        job_id=job_id,
        lane=lane,
        round_number=round_number,
    )
    if buy_price == sell_price:
        return [payment]
    surplus = Transfer(
        transfer_id=f"surplus:{job_id}",
        debit=escrow_account(task_id),
        credit=surplus_to.account,
        amount=check_amount((buy_price - sell_price) * units, field="buy_price"),
        reason=surplus_to.reason,
        task_id=task_id,
        job_id=job_id,
        lane=lane,
        round_number=round_number,
    )
    return [payment, surplus]


def fees_of(payments: Iterable[Transfer], *, fee_permille: int) -> list[Transfer]:
    """Return what the network takes of payments to operators, rounded in their favour; treasuries pay none.

    A payment stays what its price says, and its fee is a transfer of its own behind it, named after it.
    """
    if not 0 <= fee_permille <= WHOLE_PERMILLE:
        raise InvalidField("a fee is 0 to 1000 per mille", field="fee_permille")
    return [
        Transfer(
            transfer_id=f"fee:{payment.transfer_id}",
            debit=payment.credit,
            credit=TREASURY,
            amount=amount,
            reason="fee",
            task_id=payment.task_id,
            job_id=payment.job_id,
            lane=payment.lane,
            round_number=payment.round_number,
        )
        for payment in payments
        if payment.credit.startswith("operator:") and (amount := payment.amount * fee_permille // WHOLE_PERMILLE)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WastedShare:
    """What one lease is paid for work on an input that cannot be proven."""

    lease_id: str
    operator: Address
    amount: int
    lane: str
    round_number: int


def pay_for_lost_hedge(
    *,
    task_id: str,
    job_id: str,
    operator: Address,
    units: int,
    limit_price: int,
    winner_buy_price: int,
    amount: int,
    lane: str,
    round_number: int,
) -> list[Transfer]:
    """Pay the lease that another one overtook, out of what the winner left of the job's own escrow.

    Two leases of a job are held at most and one of them wins, so the job's name is enough: it has one loser that is
    paid. `lane` and `round_number` are the loser's.
    """
    _check_within(amount, left=(limit_price - winner_buy_price) * units)
    if amount == 0:
        return []
    return [
        Transfer(
            transfer_id=f"hedge:{job_id}",
            debit=escrow_account(task_id),
            credit=operator_account(operator),
            amount=amount,
            reason="hedge",
            task_id=task_id,
            job_id=job_id,
            lane=lane,
            round_number=round_number,
        )
    ]


def pay_for_wasted_work(
    *, task_id: str, job_id: str, units: int, limit_price: int, shares: Iterable[WastedShare]
) -> list[Transfer]:
    """Pay for the work that an unprovable input caused in one job, out of that job's own escrow.

    The ids name leases: several worked on the job, and each is paid once.
    """
    shares = list(shares)
    for share in shares:
        check_amount(share.amount, field="amount")
    _check_within(sum(share.amount for share in shares), left=limit_price * units)
    return [
        Transfer(
            transfer_id=f"fault:{share.lease_id}",
            debit=escrow_account(task_id),
            credit=operator_account(share.operator),
            amount=share.amount,
            reason="fault",
            task_id=task_id,
            job_id=job_id,
            lane=share.lane,
            round_number=share.round_number,
        )
        for share in shares
        if share.amount
    ]


def refund(*, task_id: str, client: Address, remaining: int) -> list[Transfer]:
    """Give back what is left in a task's escrow when no more of its jobs will be paid."""
    check_amount(remaining, field="remaining")
    if remaining == 0:
        return []
    return [
        Transfer(
            transfer_id=f"refund:{task_id}",
            debit=escrow_account(task_id),
            credit=client_account(client),
            amount=remaining,
            reason="canary_refund" if client == NETWORK_CLIENT else "refund",
            task_id=task_id,
        )
    ]


def _check_within(amount: int, *, left: int) -> None:
    # The ledger would let one job spend what the task's other jobs still need.
    if not 0 <= amount <= left:
        raise InvalidField(f"the job's own escrow has {left} left, {amount} is outside it", field="amount")
