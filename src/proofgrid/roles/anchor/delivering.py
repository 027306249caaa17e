"""Brings proofs to contracts that verify them: tried dry, paid, wished for once, followed until the block is final.

No stranger can spend the anchor's gas: the contracts are named here, a dry run that says no ends it at no cost, what a
call may take is limited, and the client has paid before anything is signed.
"""

from __future__ import annotations

import structlog

from proofgrid.chain.deliveries import Door
from proofgrid.chain.nodes import Node, Receipt
from proofgrid.chain.signing import Call, ChainSigner
from proofgrid.primitives.ids import TaskId
from proofgrid.primitives.money import tokens_text
from proofgrid.rules.chain.delivering import DeliveryState, DeliveryTerms, intent_of, name_of_task
from proofgrid.rules.chain.outbox import Stage
from proofgrid.rules.jobs.delivery_events import Delivered, NotDeliveredTo
from proofgrid.rules.ledger.accounts import client_account
from proofgrid.rules.ledger.deliveries import give_back_delivery, pay_delivery
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.ledger import lock_accounts
from proofgrid.store.outbox import GIVE_UP_WISH, RAWS_OF, WANT_LIMITED_TRANSACTION
from proofgrid.store.proof_deliveries import (
    DELIVERIES_TO_BRING,
    SET_DELIVERY_TERMS,
    DeliveryToBring,
    note_delivery,
)
from proofgrid.store.tasks import LOCK_TASK, append_event
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

PER_STEP = 50
REVERTED = "the contract refused it in the block, though not when it was tried"

log = structlog.get_logger(__name__)


class Deliverer:
    """`terms`: without the chain's number, which the node says."""

    def __init__(self, database: Database, signer: ChainSigner, terms: DeliveryTerms) -> None:
        self._database = database
        self._signer = signer
        self._terms = terms
        self._door = Door()
        self._is_told = False

    async def step(self, node: Node) -> None:
        """Bring every delivery as far as it goes now. Raises NoNode, Unavailable."""
        if not self._is_told:
            await self._tell_terms(node)
        async with self._database.connection() as connection:
            rows = await connection.fetch(DELIVERIES_TO_BRING, limit=PER_STEP)
        for row in rows:
            if row.state is DeliveryState.READY:
                await self._begin(node, row)
            else:
                await self._follow(node, row)

    async def _tell_terms(self, node: Node) -> None:
        await self._database.write(
            Transaction.BRING_PROOF,
            SET_DELIVERY_TERMS,
            chain_id=node.chain_id,
            submitter=self._signer.address,
            contracts=list(self._terms.contracts),
            price=self._terms.price,
            gas_most=self._terms.gas_most,
        )
        self._is_told = True

    async def _begin(self, node: Node, row: DeliveryToBring) -> None:
        if row.target not in self._terms.contracts:
            await self._end(row, DeliveryState.REFUSED, detail="this contract is not brought proofs any more")
            return
        call = self._call(row)
        refused = await self._signer.refusal(node, call)
        if refused is not None:
            if refused.by_contract:
                await self._end(row, DeliveryState.REFUSED, detail=refused.detail)
            else:
                log.warning("delivery_waits", task_id=str(row.task_id), reason=refused.detail)
            return
        if not await self._pay_and_wish(row, call):
            price = tokens_text(self._terms.price)
            await self._end(row, DeliveryState.REFUSED, detail=f"it costs {price}, and the account does not hold them")

    async def _pay_and_wish(self, row: DeliveryToBring, call: Call) -> bool:
        """Take the price and wish for the transaction, both or neither; tell whether the client can pay."""
        account = client_account(row.client)
        async with self._database.transaction(Transaction.BRING_PROOF) as connection:
            await connection.first(LOCK_TASK, task_id=row.task_id)
            if not await self._note(connection, row, DeliveryState.SENDING, price=self._terms.price):
                return True  # somebody else did
            held = await lock_accounts(connection, [account])
            can_pay = held.get(account, 0) >= self._terms.price
            if can_pay:
                paid = pay_delivery(task_id=str(row.task_id), client=row.client, price=self._terms.price)
                await post_transfers(connection, paid)
                await connection.run(
                    WANT_LIMITED_TRANSACTION,
                    intent=intent_of(row.task_id),
                    target=call.target,
                    data=call.data,
                    gas_most=call.gas_most,
                )
            else:
                await self._note(connection, row, DeliveryState.READY, was=DeliveryState.SENDING)
        return can_pay

    async def _follow(self, node: Node, row: DeliveryToBring) -> None:
        if row.stage is Stage.FINAL:
            hash_, receipt = await self._receipt(node, row)
            if receipt is not None:
                await self._deliver(node, row, hash_, receipt)
        elif row.stage is Stage.FAILED:
            await self._end(row, DeliveryState.FAILED, detail=REVERTED)
        elif row.stage is Stage.WANTED and row.trouble:
            refused = await self._signer.refusal(node, self._call(row))
            if refused is not None and refused.by_contract:
                await self._give_up(row, refused.detail)

    async def _receipt(self, node: Node, row: DeliveryToBring) -> tuple[str, Receipt | None]:
        async with self._database.connection() as connection:
            raws = await connection.fetch(RAWS_OF, intent=intent_of(row.task_id))
        for raw in raws:
            if (receipt := await node.receipt_of(raw.hash)) is not None:
                return raw.hash, receipt
        return "", None

    async def _deliver(self, node: Node, row: DeliveryToBring, hash_: str, receipt: Receipt) -> None:
        async with self._database.transaction(Transaction.BRING_PROOF) as connection:
            await connection.first(LOCK_TASK, task_id=row.task_id)
            if await self._note(connection, row, DeliveryState.DELIVERED, hash_=hash_, receipt=receipt):
                told = Delivered(
                    contract=row.target,
                    chain_id=node.chain_id,
                    transaction=hash_,
                    block=receipt.block,
                    gas=receipt.gas,
                    submitter=row.sender or self._signer.address,
                    price=row.price,
                )
                await append_event(connection, TaskId(row.task_id), told)
        log.info("proof_delivered", task_id=str(row.task_id), contract=row.target, transaction=hash_, gas=receipt.gas)

    async def _give_up(self, row: DeliveryToBring, detail: str) -> None:
        """Take back what was never signed, and what was paid for it."""
        async with self._database.transaction(Transaction.BRING_PROOF) as connection:
            await connection.first(LOCK_TASK, task_id=row.task_id)
            if not await connection.fetch(GIVE_UP_WISH, intent=intent_of(row.task_id)):
                return
            await self._note(connection, row, DeliveryState.REFUSED, detail=detail, price=0)
            back = give_back_delivery(task_id=str(row.task_id), client=row.client, price=row.price)
            await post_transfers(connection, back)
            await append_event(
                connection, TaskId(row.task_id), NotDeliveredTo(contract=row.target, detail=detail, price=0)
            )

    async def _end(self, row: DeliveryToBring, state: DeliveryState, *, detail: str) -> None:
        async with self._database.transaction(Transaction.BRING_PROOF) as connection:
            await connection.first(LOCK_TASK, task_id=row.task_id)
            if await self._note(connection, row, state, detail=detail):
                told = NotDeliveredTo(contract=row.target, detail=detail, price=row.price)
                await append_event(connection, TaskId(row.task_id), told)
        log.info("proof_not_delivered", task_id=str(row.task_id), contract=row.target, reason=detail)

    async def _note(
        self,
        connection: Connection,
        row: DeliveryToBring,
        state: DeliveryState,
        *,
        was: DeliveryState | None = None,
        detail: str = "",
        price: int | None = None,
        hash_: str = "",
        receipt: Receipt | None = None,
    ) -> bool:
        """Write a state down; tell whether it was still in the one before."""
        return await note_delivery(
            connection,
            row.task_id,
            was=was or row.state,
            state=state,
            price=row.price if price is None else price,
            detail=detail,
            hash_=hash_,
            block=0 if receipt is None else receipt.block,
            gas=0 if receipt is None else receipt.gas,
        )

    def _call(self, row: DeliveryToBring) -> Call:
        program = bytes.fromhex(row.program_digest)
        return self._door.deliver(
            row.target,
            task=name_of_task(row.task_id),
            program=program,
            call=row.call,
            gas_most=self._terms.gas_most,
        )
