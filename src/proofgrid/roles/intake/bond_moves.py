"""Bonds in the database: paid in, unbonded after a delay, withdrawn; appeals written down and answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.errors import IdempotencyConflict, InsufficientFunds, InvalidField, UnknownEvidence
from proofgrid.primitives.ids import Address
from proofgrid.primitives.money import format_amount
from proofgrid.rules.ledger.accounts import MINT, TREASURY, operator_account, stake_account, unbonding_account
from proofgrid.rules.ledger.stakes import bond, overturn, unbond, withdraw_unbonded
from proofgrid.rules.staking.bonds import BondPolicy, removable
from proofgrid.store.bonds import (
    GET_UNBONDING,
    INSERT_UNBONDING,
    UNBONDINGS_OF,
    WITHDRAW_UNBONDINGS,
    Unbonding,
    bound_of,
    chain_bonds_of,
)
from proofgrid.store.chain_debts import DEBTS_OF_OPERATOR, DebtOfOperator
from proofgrid.store.conflicts import TransferIdTaken
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.evidence import APPEAL, LOCK_EVIDENCE, RESOLVE_APPEAL, LockedEvidence
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.ledger import balance_of, lock_accounts
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

DEBTS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """An operator's bond, and what of it is free; amounts are base units."""

    operator: Address
    bond: int
    bound: int  #: by leases
    removable: int
    unbonding: int
    ready: int  #: of what is unbonding, to be withdrawn
    unbondings: Sequence[Unbonding]
    earned: int
    policy: BondPolicy
    staked: int  #: what stake on a chain adds to it
    debts: Sequence[DebtOfOperator]  #: what a chain is asked for, newest first


async def read_stake(database: Database, operator: Address, policy: BondPolicy) -> Stake:
    """Return what an operator's bond is, and what of it is free."""
    async with database.snapshot() as connection:
        held = await balance_of(connection, stake_account(operator))
        earned = await balance_of(connection, operator_account(operator))
        bound = await bound_of(connection, operator)
        waiting = await connection.fetch(UNBONDINGS_OF, operator=operator)
        on_chain = (await chain_bonds_of(connection, [operator]))[operator]
        debts = await connection.fetch(DEBTS_OF_OPERATOR, operator=operator, limit=DEBTS_SHOWN)
        now_ms = await connection.value(DATABASE_TIME)
    return Stake(
        operator=operator,
        bond=held,
        bound=bound,
        removable=removable(held, bound, policy),
        unbonding=sum(one.rest for one in waiting),
        ready=sum(one.rest for one in waiting if one.ready_ms <= now_ms),
        unbondings=waiting,
        earned=earned,
        policy=policy,
        staked=on_chain.staked,
        debts=debts,
    )


async def deposit_stake(
    database: Database, deposit_id: str, operator: Address, amount: int, *, from_outside: bool
) -> None:
    """Pay into a bond once; raise InsufficientFunds, or IdempotencyConflict for an id of another deposit."""
    try:
        async with database.transaction(Transaction.MOVE_MONEY) as connection:
            await post_transfers(
                connection, bond(deposit_id=deposit_id, operator=operator, amount=amount, from_outside=from_outside)
            )
    except TransferIdTaken:
        raise IdempotencyConflict("this deposit id was used for another deposit", field="deposit_id") from None


async def unbond_stake(
    database: Database, unbonding_id: str, operator: Address, amount: int, policy: BondPolicy
) -> None:
    """Begin to take a part of a bond out; raise InsufficientFunds when leases bind it, or it is not there."""
    async with database.transaction(Transaction.MOVE_MONEY) as connection:
        stake = stake_account(operator)
        held = (await lock_accounts(connection, [stake, unbonding_account(operator)])).get(stake, 0)
        known = await connection.first(GET_UNBONDING, unbonding_id=unbonding_id)
        if known is not None:
            if known != amount:
                raise IdempotencyConflict("this id was used for another amount", field="unbonding_id")
            return
        # After the lock: a round that bound more of it has committed, or finds that it is gone.
        most = removable(held, await bound_of(connection, operator), policy)
        if amount > most:
            raise InsufficientFunds(
                f"{format_amount(most)} of the bond can be unbonded now",
                field="amount",
                hint="leases bind the rest until they end; drain your provers first",
            )
        await connection.run(
            INSERT_UNBONDING,
            unbonding_id=unbonding_id,
            operator=operator,
            amount=amount,
            delay_ms=policy.unbonding_ms,
        )
        await post_transfers(connection, unbond(unbonding_id=unbonding_id, operator=operator, amount=amount))


async def withdraw_stake(database: Database, operator: Address) -> int:
    """Hand out what was unbonded long enough ago; return how much that was, in base units."""
    async with database.transaction(Transaction.MOVE_MONEY) as connection:
        await lock_accounts(
            connection, [operator_account(operator), stake_account(operator), unbonding_account(operator)]
        )
        withdrawn = await connection.fetch(WITHDRAW_UNBONDINGS, operator=operator)
        transfers = [
            transfer
            for one in withdrawn
            for transfer in withdraw_unbonded(unbonding_id=one.unbonding_id, operator=operator, amount=one.rest)
        ]
        await post_transfers(connection, transfers)
    return sum(one.rest for one in withdrawn)


async def write_appeal(database: Database, evidence_id: UUID, text: str) -> None:
    """Write an appeal down; the same again changes nothing. Raises InvalidField when there was another one."""
    async with database.transaction(Transaction.APPEAL) as connection:
        evidence = await _locked(connection, evidence_id)
        if evidence.appeal == text:
            return
        if evidence.state != "stands":
            raise InvalidField(f"it was appealed already and is {evidence.state}", field="evidence_id")
        await connection.run(APPEAL, evidence_id=evidence_id, text=text)


async def resolve_appeal(database: Database, evidence_id: UUID, *, overturned: bool, answer: str) -> None:
    """Answer an appeal; the same answer again changes nothing. Raises InvalidField when there is none to answer."""
    state = "overturned" if overturned else "upheld"
    async with database.transaction(Transaction.APPEAL) as connection:
        evidence = await _locked(connection, evidence_id)
        if evidence.state == state:
            return
        if evidence.state != "appealed":
            raise InvalidField(f"there is no appeal to answer, it is {evidence.state}", field="evidence_id")
        given_back = await _give_back(connection, evidence_id, evidence) if overturned else 0
        await connection.run(RESOLVE_APPEAL, evidence_id=evidence_id, state=state, answer=answer, given_back=given_back)


async def _locked(connection: Connection, evidence_id: UUID) -> LockedEvidence:
    evidence = await connection.first(LOCK_EVIDENCE, evidence_id=evidence_id)
    if evidence is None:
        raise UnknownEvidence(field="evidence_id")
    return evidence


async def _give_back(connection: Connection, evidence_id: UUID, evidence: LockedEvidence) -> int:
    """Make what was burnt again; for the client's and the rescuer's parts the treasury pays as far as it can."""
    operator = evidence.operator
    treasury = (await lock_accounts(connection, [MINT, stake_account(operator), TREASURY]))[TREASURY]
    from_treasury = min(treasury, evidence.amount - evidence.burnt)
    await post_transfers(
        connection,
        overturn(evidence_id=str(evidence_id), operator=operator, burnt=evidence.burnt, from_treasury=from_treasury),
    )
    return evidence.burnt + from_treasury
