"""Sends what the network wants on the chain: each wish once, whatever dies in between.

wanted --dry run--> nonce, fees and bytes written down --> sent --> mined --> final
A wish names a fact, so it is wished once; bytes are stored before they are sent, so the same ones are sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from proofgrid.chain.nodes import Node, Receipt
from proofgrid.chain.signing import Call, CallRefused, ChainSigner
from proofgrid.rules.chain.outbox import Fees, Sent, Stage, Step, first_fees, next_step, raised_fees
from proofgrid.store.database import Database
from proofgrid.store.outbox import (
    ADD_RAW,
    FORGET_RAWS,
    NEXT_NONCE,
    NOTE_SENT,
    NOTE_STAGE,
    NOTE_TROUBLE,
    OPEN_TRANSACTIONS,
    RAWS_OF,
    SIGN_AGAIN,
    SIGN_TRANSACTION,
    OpenTransaction,
    RawTransaction,
)
from proofgrid.store.transactions import Transaction

TRANSFERS_LEFT = 20  #: with gas for fewer of them at the cap, it says so
_GAS_OF_MOST = 500_000

log = structlog.get_logger(__name__)

#: What a step writes down, and what it is called then.
_NOTED = {
    Step.NOTE_MINED: Stage.MINED,
    Step.NOTE_GONE: Stage.SIGNED,
    Step.NOTE_FINAL: Stage.FINAL,
    Step.NOTE_FAILED: Stage.FAILED,
    Step.NOTE_REPLACED: Stage.WANTED,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A transaction with all its versions, and the receipt of one of them."""

    row: OpenTransaction
    raws: Sequence[RawTransaction]
    receipt: Receipt | None


class Outbox:
    """`fee_cap`: the most that a unit of gas may cost, in wei."""

    def __init__(self, database: Database, signer: ChainSigner, *, fee_cap: int) -> None:
        self._database = database
        self._signer = signer
        self._fee_cap = fee_cap
        self._was_poor = False

    async def step(self, node: Node) -> None:
        """Bring every open transaction as far as it goes now. Raises NoNode, Unavailable."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(OPEN_TRANSACTIONS)
        if not rows:
            return
        base_fee = await node.base_fee()
        senders = {row.sender for row in rows if row.stage is not Stage.WANTED}
        nonces = {sender: await node.nonce_of(sender, final=True) for sender in sorted(senders)}
        for row in rows:
            if row.stage is Stage.WANTED:
                await self._sign(node, row, base_fee)
            else:
                await self._go_on(node, row, base_fee, nonces[row.sender])
        await self._look_at_balance(node)

    async def _sign(self, node: Node, row: OpenTransaction, base_fee: int) -> None:
        fees = first_fees(base_fee=base_fee, cap=self._fee_cap)
        if fees is None:
            await self._trouble(row, f"a unit of gas costs {base_fee} wei, the cap is {self._fee_cap}")
            return
        call = Call(target=row.target, data=row.data, gas_most=row.gas_most)
        try:
            gas = await self._signer.dry_run(node, call)
        except CallRefused as error:
            await self._trouble(row, error.detail)
            return
        newest_nonce = await node.nonce_of(self._signer.address, final=False)
        async with self._database.transaction(Transaction.SEND_CHAIN) as connection:
            nonce = await connection.value(NEXT_NONCE, sender=self._signer.address, account_nonce=newest_nonce)
            signed = self._signer.sign(call, nonce=nonce, gas=gas, fees=fees, chain_id=node.chain_id)
            signing = {"sender": self._signer.address, "nonce": nonce, "signed_at": node.newest.number}
            if not await connection.fetch(SIGN_TRANSACTION, intent=row.intent, **signing):
                return  # somebody else did
            await connection.run(
                ADD_RAW, hash=signed.hash, intent=row.intent, raw=signed.raw, fee=fees.most, tip=fees.tip
            )
        log.info("chain_signed", intent=row.intent, nonce=nonce)
        await self._send(node, signed.hash, signed.raw)

    async def _go_on(self, node: Node, row: OpenTransaction, base_fee: int, account_nonce: int) -> None:
        known = await self._known(node, row)
        newest = known.raws[0]
        assert row.nonce is not None  # noqa: S101 - the schema's promise for what was signed
        sent = Sent(
            nonce=row.nonce,
            signed_at=row.signed_at,
            fees=Fees(most=newest.fee, tip=newest.tip),
            mined_in=None if known.receipt is None else known.receipt.block,
            succeeded=known.receipt is not None and known.receipt.succeeded,
            account_nonce=account_nonce,
        )
        step = next_step(
            row.stage, sent, newest=node.newest.number, final=node.final.number, is_fresh=newest.sent_ms == 0
        )
        if step in _NOTED:
            await self._note(row, _NOTED[step])
            return
        fees = None
        if step is Step.RAISE and row.sender == self._signer.address:  # with a key of before nothing is signed again
            fees = raised_fees(sent.fees, base_fee=base_fee, cap=self._fee_cap)
        if fees is not None:
            await self._sign_again(node, row, fees)
        elif step in (Step.SEND, Step.RAISE):
            await self._send(node, newest.hash, newest.raw)

    async def _known(self, node: Node, row: OpenTransaction) -> _Known:
        async with self._database.connection() as connection:
            raws = await connection.fetch(RAWS_OF, intent=row.intent)
        for raw in raws:
            if (receipt := await node.receipt_of(raw.hash)) is not None:
                return _Known(row, raws, receipt)
        return _Known(row, raws, None)

    async def _sign_again(self, node: Node, row: OpenTransaction, fees: Fees) -> None:
        call = Call(target=row.target, data=row.data, gas_most=row.gas_most)
        try:
            gas = await self._signer.dry_run(node, call)
        except CallRefused as error:
            # It may be mined and do nothing; the nonce has to be used, or what follows it waits for ever.
            await self._trouble(row, error.detail)
            gas = row.gas_most or _GAS_OF_MOST
        assert row.nonce is not None  # noqa: S101 - the schema's promise for what was signed
        signed = self._signer.sign(call, nonce=row.nonce, gas=gas, fees=fees, chain_id=node.chain_id)
        async with self._database.transaction(Transaction.SEND_CHAIN) as connection:
            if not await connection.fetch(SIGN_AGAIN, intent=row.intent, nonce=row.nonce, signed_at=node.newest.number):
                return
            await connection.run(
                ADD_RAW, hash=signed.hash, intent=row.intent, raw=signed.raw, fee=fees.most, tip=fees.tip
            )
        log.info("chain_fees_raised", intent=row.intent, nonce=row.nonce, most=fees.most)
        await self._send(node, signed.hash, signed.raw)

    async def _send(self, node: Node, transaction: str, raw: str) -> None:
        await node.send(raw)
        await self._database.write(Transaction.SEND_CHAIN, NOTE_SENT, hash=transaction)

    async def _note(self, row: OpenTransaction, stage: Stage) -> None:
        async with self._database.transaction(Transaction.SEND_CHAIN) as connection:
            noted = await connection.fetch(
                NOTE_STAGE, intent=row.intent, stage=stage.value, was=row.stage.value, trouble=""
            )
            if noted and stage in (Stage.WANTED, Stage.FAILED):
                await connection.run(FORGET_RAWS, intent=row.intent)
        log.info("chain_transaction", intent=row.intent, stage=stage.value, nonce=row.nonce)

    async def _trouble(self, row: OpenTransaction, trouble: str) -> None:
        if trouble != row.trouble:
            log.warning("chain_transaction_waits", intent=row.intent, reason=trouble)
            await self._database.write(Transaction.SEND_CHAIN, NOTE_TROUBLE, intent=row.intent, trouble=trouble)

    async def _look_at_balance(self, node: Node) -> None:
        left = await node.balance_of(self._signer.address)
        is_poor = left < TRANSFERS_LEFT * _GAS_OF_MOST * self._fee_cap
        if is_poor and not self._was_poor:
            log.warning("anchor_is_poor", address=self._signer.address, wei=left, hint="send it ether for gas")
        self._was_poor = is_poor
