"""Credits what was paid into the vault: by final blocks only, by number without gaps, each deposit once.

deposit in a block --final--> next in number --one transaction: its row, and the ledger's entry--> on the account
"""

from __future__ import annotations

import structlog

from proofgrid.chain.nodes import Node
from proofgrid.chain.vault import DepositThere, VaultContract, VaultFacts, VaultSeen
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.money import AMOUNT_MAX
from proofgrid.rules.chain.following import NodeNotBelieved
from proofgrid.rules.ledger.payouts import in_ledger
from proofgrid.rules.ledger.settlement import deposit
from proofgrid.store.chain_vault import (
    GET_VAULT_VIEW,
    LOCK_VAULT_VIEW,
    NEXT_DEPOSIT,
    NOTE_DEPOSIT,
    OPEN_VAULT_VIEW,
    VAULT_WAS_READ,
)
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

MANY = 100  #: deposits in one step

log = structlog.get_logger(__name__)


class Crediting:
    """Follows the deposits of one vault, which is the network's for good."""

    def __init__(self, database: Database, contract: VaultContract) -> None:
        self._database = database
        self._contract = contract
        self._facts: VaultFacts | None = None

    async def step(self, node: Node) -> VaultSeen | None:
        """Credit what became final; return how the vault stands in the final block; None: that is not known now.

        Raises NodeNotBelieved, NoNode, Unavailable, and InvalidField when the network's money is in another vault.
        """
        facts = await self._open(node)
        seen = await self._contract.look(node, node.final)
        if seen is None:
            return None
        async with self._database.connection() as connection:
            first = await connection.value(NEXT_DEPOSIT)
            view = await connection.value(GET_VAULT_VIEW)
        if node.final.number < view.final:
            return None  # another node was further; what it said stays, and this one is waited for
        if seen.deposits < first:
            raise NodeNotBelieved(f"it has {seen.deposits} deposits at block {node.final.number}, {first} were final")
        for number in range(first, min(seen.deposits, first + MANY)):
            there = await self._contract.deposit(node, node.final, number)
            transaction = await self._contract.transaction_of(node, number, first=0, last=node.final.number)
            await self._credit(there, transaction, facts.unit)
        await self._database.write(
            Transaction.READ_VAULT,
            VAULT_WAS_READ,
            final=node.final.number,
            newest=node.newest.number,
            last_posted=seen.last_posted,
            is_frozen=seen.is_frozen,
        )
        return seen

    async def _open(self, node: Node) -> VaultFacts:
        if self._facts is not None:
            return self._facts
        facts = await self._contract.facts(node)
        opened = await self._database.write(
            Transaction.READ_VAULT,
            OPEN_VAULT_VIEW,
            chain_id=node.chain_id,
            vault=facts.vault,
            token=facts.token,
            unit=facts.unit,
            delay_blocks=facts.delay_blocks,
            silence_blocks=facts.silence_blocks,
        )
        if not opened:
            raise InvalidField("this network's money is in another vault, or on another chain", field="vault")
        self._facts = facts
        return facts

    async def _credit(self, there: DepositThere, transaction: str, unit: int) -> None:
        amount = in_ledger(there.amount, unit)
        is_too_much = amount > AMOUNT_MAX
        async with self._database.transaction(Transaction.CREDIT_DEPOSIT) as connection:
            await connection.run(LOCK_VAULT_VIEW)
            noted = await connection.fetch(
                NOTE_DEPOSIT,
                number=there.number,
                account=there.account,
                payer=there.payer,
                amount=0 if is_too_much else amount,
                transaction=transaction,
            )
            if not noted:
                return  # another anchor was first
            if not is_too_much:
                named = f"{transaction}:{there.number}"
                await post_transfers(connection, deposit(deposit_id=named, client=there.account, amount=amount))
        if is_too_much:
            log.error("deposit_too_large", number=there.number, amount=amount, transaction=transaction)
        else:
            log.info("deposit_credited", number=there.number, account=there.account, amount=amount)
