"""Which transfers follow from bonds: paid in, unbonded, withdrawn, slashed, given to rescuers, given back on appeal."""

from __future__ import annotations

from proofgrid.primitives.ids import AccountId, Address
from proofgrid.primitives.money import check_amount
from proofgrid.rules.ledger.accounts import (
    MINT,
    TREASURY,
    Transfer,
    client_account,
    operator_account,
    rescue_account,
    stake_account,
    unbonding_account,
)
from proofgrid.rules.staking.slashing import Slash, SlashRule

CLIENT_PERMILLE = SlashRule(share=0).client  #: of what is slashed, the client gets


def bond(*, deposit_id: str, operator: Address, amount: int, from_outside: bool) -> list[Transfer]:
    """Pay into a bond, out of what the operator earned, or from outside."""
    source = MINT if from_outside else operator_account(operator)
    return _one(f"bond:{deposit_id}", source, stake_account(operator), amount, "bond", least=1)


def unbond(*, unbonding_id: str, operator: Address, amount: int) -> list[Transfer]:
    """Begin to take a part of a bond out."""
    return _one(
        f"unbond:{unbonding_id}", stake_account(operator), unbonding_account(operator), amount, "unbond", least=1
    )


def withdraw_unbonded(*, unbonding_id: str, operator: Address, amount: int) -> list[Transfer]:
    """Hand out what was unbonded long enough ago, or what slashes left of it."""
    debit, credit = unbonding_account(operator), operator_account(operator)
    return _one(f"unbonded:{unbonding_id}", debit, credit, amount, "unbonded")


def take_back_unbonding(*, case: str, operator: Address, amount: int) -> list[Transfer]:
    """Take back into the bond what a slash needs of what is being unbonded."""
    debit, credit = unbonding_account(operator), stake_account(operator)
    return _one(f"{case}:unbonding", debit, credit, amount, "unbonding slashed")


def take(*, case: str, operator: Address, client: Address, task_id: str, job_id: str, slashed: Slash) -> list[Transfer]:
    """Split a slash; `case` names the fact, such as slash:<lease>."""
    stake = stake_account(operator)
    shares = (
        ("burnt", MINT, slashed.burnt),
        ("client", client_account(client), slashed.client),
        ("rescuer", rescue_account(job_id), slashed.rescuer),
    )
    return [
        Transfer(
            transfer_id=f"{case}:{name}",
            debit=stake,
            credit=credit,
            amount=amount,
            reason=f"slash {name}",
            task_id=task_id,
            job_id=job_id,
        )
        for name, credit, amount in shares
        if amount
    ]


def reward_rescuer(*, task_id: str, job_id: str, operator: Address, amount: int) -> list[Transfer]:
    """Give what slashes left for a job to the operator who proved it."""
    return _rescue(f"rescue:{job_id}", operator_account(operator), amount, "rescue", task_id, job_id)


def compensate(*, task_id: str, job_id: str, client: Address, amount: int) -> list[Transfer]:
    """Give what slashes left for a job to the client, because nobody else proved it."""
    return _rescue(f"unrescued:{job_id}", client_account(client), amount, "unrescued", task_id, job_id)


def compensate_from_treasury(*, evidence_id: str, client: Address, taken: int, treasury: int) -> list[Transfer]:
    """Give a client its part of what a chain took; it is burnt there, so the treasury pays what it can."""
    amount = min(treasury, taken * CLIENT_PERMILLE // 1_000)
    return _one(f"chain:{evidence_id}:client", TREASURY, client_account(client), amount, "slash client")


def overturn(*, evidence_id: str, operator: Address, burnt: int, from_treasury: int) -> list[Transfer]:
    """Undo a slash as far as that is possible: what was burnt is made again, the treasury pays for the rest."""
    stake = stake_account(operator)
    return [
        *_one(f"overturn:{evidence_id}:burnt", MINT, stake, burnt, "slash overturned"),
        *_one(f"overturn:{evidence_id}:treasury", TREASURY, stake, from_treasury, "slash overturned"),
    ]


def _one(
    transfer_id: str, debit: AccountId, credit: AccountId, amount: int, reason: str, *, least: int = 0
) -> list[Transfer]:
    check_amount(amount, field="amount", least=least)
    if not amount:
        return []
    return [Transfer(transfer_id=transfer_id, debit=debit, credit=credit, amount=amount, reason=reason)]


def _rescue(transfer_id: str, credit: AccountId, amount: int, reason: str, task_id: str, job_id: str) -> list[Transfer]:
    return [
        Transfer(
            transfer_id=transfer_id,
            debit=rescue_account(job_id),
            credit=credit,
            amount=check_amount(amount, field="amount"),
            reason=reason,
            task_id=task_id,
            job_id=job_id,
        )
    ]
