"""Makes batches of the vault, and follows each until it is in force: what was claimed leaves the ledger, what is owed
is compared with what the vault holds, and two roots go to the chain through the outbox.

claims that are final --> out of the ledger --covered?--> batch and wish in one transaction --> posted --> final
                                  `--no: an incident, and no batch while it is open        --> in force, or struck
A batch that the contract refuses, or that the guardian struck, is an incident too; when it ends, the next one is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from proofgrid.chain.nodes import Node
from proofgrid.chain.signing import Call, ChainSigner
from proofgrid.chain.vault import BatchThere, VaultContract, VaultSeen
from proofgrid.primitives.errors import SettlementStopped
from proofgrid.primitives.whole_files import written_whole
from proofgrid.rules.incidents.signals import Signal
from proofgrid.rules.ledger.payouts import in_ledger, note_claimed, on_chain
from proofgrid.rules.ledger.vault_batches import Batch, Standing, digest_of_records, is_due, is_silent, missing, split
from proofgrid.store.chain_vault import (
    ADD_BATCH,
    CLOSED_NUMBERS,
    FORGET_BATCH_FILES,
    GET_VAULT_VIEW,
    LAST_BATCH,
    LOCK_VAULT_VIEW,
    NEXT_DEPOSIT,
    NOTE_BATCH,
    NOTE_CLAIM,
    OPEN_BATCHES,
    OWED_TO_EVERYBODY,
    PAYABLES,
    RECORDS_SAID_TO,
    ROUNDS_BETWEEN,
    STOPS_BATCHES,
    WANTED_FILES,
    BatchState,
    Owed,
    Payable,
    StoredBatch,
    VaultView,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.gateways import DATABASE_TIME
from proofgrid.store.incidents import open_incidents
from proofgrid.store.outbox import GIVE_UP_WISH, WANT_AGAIN, WANT_TRANSACTION, WISH_IN_TROUBLE
from proofgrid.store.transactions import Transaction
from proofgrid.store.transfers import post_transfers

LOOKS = 10  #: for changes, while one could be made
KEPT = 200  #: files of so many batches stay
ROUNDS_SETTLE_MS = 60_000  #: a round is written down before it is so old

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """When batches are made."""

    every_ms: int = 3_600_000
    folder: Path | None = None  #: where files are written before their batches are posted


class Batching:
    """`signer`: whose address may post."""

    def __init__(self, database: Database, contract: VaultContract, terms: BatchTerms, signer: ChainSigner) -> None:
        self._database = database
        self._contract = contract
        self._terms = terms
        self._signer = signer
        self._look_again = 0  #: nothing had changed; milliseconds of the database's clock

    async def step(self, node: Node, seen: VaultSeen) -> None:
        """Follow what was posted, note what was claimed, make what is due. `seen`: the vault in the final block.

        Raises NoNode, Unavailable.
        """
        async with self._database.connection() as connection:
            view = await connection.value(GET_VAULT_VIEW)
            batches = await connection.fetch(OPEN_BATCHES)
        await self._follow(node, batches, seen)
        try:
            await self._note_claims(node, seen, view.unit)
        except SettlementStopped:
            log.warning("claims_wait", reason="settlement is stopped by an incident")
            return
        if seen.is_frozen:
            log.error("vault_is_frozen", vault=view.vault, hint="everybody leaves by the last batch in force")
            return
        await self._make(node, seen, view)
        await self._publish()

    async def _publish(self) -> None:
        """Write the files of batches that are not posted yet: once a root is on the chain somebody has its leaves."""
        if self._terms.folder is None:
            return
        async with self._database.connection() as connection:
            waiting = await connection.fetch(WANTED_FILES)
        for one in waiting:
            path = self._terms.folder / f"{one.sequence}.json"
            await asyncio.to_thread(_write, path, one.file)

    async def _note_claims(self, node: Node, seen: VaultSeen, unit: int) -> None:
        async with self._database.connection() as connection:
            payables = await connection.fetch(PAYABLES)
        if on_chain(sum(one.claimed for one in payables), unit) == seen.claimed_total:
            return
        for one in payables:
            claimed = in_ledger(await self._contract.claimed(node, node.final, one.account), unit)
            if claimed > one.claimed:
                await self._note_claim(one, claimed)

    async def _note_claim(self, one: Payable, claimed: int) -> None:
        async with self._database.transaction(Transaction.NOTE_CLAIMS) as connection:
            await connection.run(LOCK_VAULT_VIEW)
            if not await connection.fetch(NOTE_CLAIM, account=one.account, claimed=claimed, was=one.claimed):
                return  # another anchor was first
            transfers = note_claimed(account=one.account, before=one.claimed, cumulative=claimed)
            await post_transfers(connection, transfers)
        log.info("payout_claimed", account=one.account, amount=claimed - one.claimed)

    # Making one

    async def _make(self, node: Node, seen: VaultSeen, view: VaultView) -> None:
        async with self._database.transaction(Transaction.MAKE_BATCH) as connection:
            await connection.run(LOCK_VAULT_VIEW)  # what is credited and claimed stands still from here on
            last = await connection.first(LAST_BATCH)
            if await self._waits(connection, node, seen, view, last):
                return
            owed = await connection.fetch(OWED_TO_EVERYBODY)
            claims = await connection.fetch(PAYABLES)
            is_all_read = await connection.value(NEXT_DEPOSIT) == seen.deposits
            if not is_all_read or on_chain(sum(one.claimed for one in claims), view.unit) != seen.claimed_total:
                return  # the next step knows more
            held = owed[0].held if owed else 0
            if short := missing(tokens=seen.tokens, held=held, unit=view.unit):
                await open_incidents(connection, [_is_short(view, seen, held, short, node.final.number)])
                return
            batch = await self._batch(connection, view, seen, last, _standings(owed, claims))
            is_changed = last is None or not _stands(last, batch)
            if not (is_changed and (batch.payouts or batch.balances)) and not _is_silent(node, seen, view):
                self._look_again = await connection.value(DATABASE_TIME) + self._terms.every_ms // LOOKS
                return
            await self._want(connection, batch)
        log.info("batch_wanted", sequence=batch.sequence, payouts=batch.paid.total, balances=batch.owed.total)

    async def _batch(
        self,
        connection: Connection,
        view: VaultView,
        seen: VaultSeen,
        last: StoredBatch | None,
        standings: Sequence[Standing],
    ) -> Batch:
        from_ms = await connection.value(RECORDS_SAID_TO)
        to_ms = max(from_ms, await connection.value(DATABASE_TIME) - ROUNDS_SETTLE_MS)
        rounds = await connection.fetch(ROUNDS_BETWEEN, from_ms=from_ms, to_ms=to_ms)
        payouts, balances = split(standings, view.unit)
        return Batch(
            chain_id=view.chain_id,
            vault=view.vault,
            unit=view.unit,
            sequence=0 if last is None else last.sequence + 1,
            deposits_seen=seen.deposits,
            from_ms=from_ms,
            to_ms=to_ms,
            records=digest_of_records((one.lane, one.number, one.transcript_hash) for one in rounds),
            payouts=payouts,
            balances=balances,
        )

    async def _waits(
        self, connection: Connection, node: Node, seen: VaultSeen, view: VaultView, last: StoredBatch | None
    ) -> bool:
        """Is it too early, whatever changed? One that is in no final block yet is waited for."""
        if last is not None and last.state in (BatchState.WANTED, BatchState.POSTED):
            return True
        if await connection.value(STOPS_BATCHES):
            return True
        now_ms = await connection.value(DATABASE_TIME)
        if now_ms < self._look_again and not _is_silent(node, seen, view):
            return True
        return not is_due(
            age_ms=self._terms.every_ms if last is None else now_ms - last.made_ms,
            every_ms=self._terms.every_ms,
            is_silent=_is_silent(node, seen, view),
        )

    async def _want(self, connection: Connection, batch: Batch) -> None:
        added = await connection.fetch(
            ADD_BATCH,
            sequence=batch.sequence,
            file=batch.text,
            payouts=_hex(batch.paid.root),
            balances=_hex(batch.owed.root),
            deposits_seen=batch.deposits_seen,
            payouts_total=batch.paid.total // batch.unit,
            to_ms=batch.to_ms,
        )
        if not added:
            return
        await connection.run(FORGET_BATCH_FILES, below=batch.sequence - KEPT)
        call = self._contract.post(
            payouts=batch.paid.root,
            balances=batch.owed.root,
            records=batch.records,
            deposits_seen=batch.deposits_seen,
            paid=batch.paid.total,
            owed=batch.owed.total,
        )
        await connection.run(
            WANT_TRANSACTION,
            intent=f"batch:{batch.sequence}",
            target=self._contract.address,
            data=call,
        )

    # Following what was posted

    async def _follow(self, node: Node, batches: Sequence[StoredBatch], final: VaultSeen) -> None:
        if not batches:
            return
        newest = await self._contract.look(node, node.newest)
        async with self._database.connection() as connection:
            taken = set(await connection.fetch(CLOSED_NUMBERS, limit=KEPT))
        first = min((one.number for one in batches if one.number is not None), default=max(taken, default=-1) + 1)
        there = await self._contract.batches(node, node.newest, range(first, newest.batches if newest else 0))
        for batch in batches:
            found = next((one for one in there if one.number not in taken and _is(one, batch)), None)
            if found is not None:
                taken.add(found.number)
            await self._note(node, batch, found, is_final=found is not None and found.number < final.batches)

    async def _note(self, node: Node, batch: StoredBatch, found: BatchThere | None, *, is_final: bool) -> None:
        state = BatchState.WANTED
        if found is None:  # in no block yet, or not any more
            if batch.state is BatchState.WANTED and (refusal := await self._refusal(node, batch)):
                await self._give_up(batch, refusal)
                return
            await self._database.write(Transaction.NOTE_BATCH, WANT_AGAIN, intent=f"batch:{batch.sequence}")
        elif not is_final:
            state = BatchState.POSTED
        elif found.is_struck:
            state = BatchState.STRUCK
        else:
            state = BatchState.IN_FORCE if node.final.number >= found.in_force_at else BatchState.FINAL
        number, in_force_at = (None, 0) if found is None else (found.number, found.in_force_at)
        if (state, number, in_force_at) == (batch.state, batch.number, batch.in_force_at):
            return
        async with self._database.transaction(Transaction.NOTE_BATCH) as connection:
            noted = await connection.fetch(
                NOTE_BATCH,
                sequence=batch.sequence,
                state=state.value,
                was=batch.state.value,
                number=number,
                in_force_at=in_force_at,
            )
            if noted and state is BatchState.STRUCK:
                detail = f"the guardian struck the batch {number}: find out why before the next one is made"
                await open_incidents(connection, [Signal(kind="vault", subject="a batch", detail=detail)])
        log.info("batch", sequence=batch.sequence, number=number, state=state.value, in_force_at=in_force_at)

    async def _refusal(self, node: Node, batch: StoredBatch) -> str:
        """Return why the contract refuses a batch that waits; empty: it does not, or that cannot be told now."""
        async with self._database.connection() as connection:
            wish = await connection.first(WISH_IN_TROUBLE, intent=f"batch:{batch.sequence}")
        if wish is None:
            return ""
        call = Call(target=wish.target, data=wish.data, gas_most=wish.gas_most)
        refused = await self._signer.refusal(node, call)
        return refused.detail if refused is not None and refused.by_contract else ""

    async def _give_up(self, batch: StoredBatch, refusal: str) -> None:
        """Make room for the next batch, once somebody has seen why."""
        closed = {"state": BatchState.REFUSED.value, "was": batch.state.value, "number": None, "in_force_at": 0}
        async with self._database.transaction(Transaction.NOTE_BATCH) as connection:
            if not await connection.fetch(GIVE_UP_WISH, intent=f"batch:{batch.sequence}"):
                return  # it was signed after all
            if await connection.fetch(NOTE_BATCH, sequence=batch.sequence, **closed):
                detail = f"the vault takes no batch of {self._signer.address}: {refusal}"
                await open_incidents(connection, [Signal(kind="vault", subject="a batch", detail=detail)])
        log.error("batch_refused", sequence=batch.sequence, reason=refusal)


def _write(path: Path, text: str) -> None:
    if not path.exists():
        with written_whole(path) as part:
            part.write_text(text, encoding="utf-8")


def _is_silent(node: Node, seen: VaultSeen, view: VaultView) -> bool:
    return is_silent(blocks=node.newest.number - seen.last_posted, silence_blocks=view.silence_blocks)


def _is(there: BatchThere, batch: StoredBatch) -> bool:
    return (there.payouts, there.balances, there.deposits_seen) == (batch.payouts, batch.balances, batch.deposits_seen)


def _stands(last: StoredBatch, batch: Batch) -> bool:
    """Does the last one say the same, and was not turned down?"""
    says = (last.payouts, last.balances) == (_hex(batch.paid.root), _hex(batch.owed.root))
    return says and last.state not in (BatchState.STRUCK, BatchState.REFUSED)


def _standings(owed: Sequence[Owed], claims: Sequence[Payable]) -> list[Standing]:
    claimed = {str(one.account): one.claimed for one in claims}
    rows = {one.owner: one for one in owed}
    return [
        Standing(
            owner=owner,
            owed=rows[owner].owed if owner in rows else 0,
            payable=rows[owner].payable if owner in rows else 0,
            claimed=claimed.get(owner, 0),
        )
        for owner in sorted({*rows, *claimed})
    ]


def _is_short(view: VaultView, seen: VaultSeen, held: int, short: int, block: int) -> Signal:
    return Signal(
        kind="vault",
        subject=view.vault,
        detail=f"the vault lacks {short} base units of the token for what the ledger owes",
        facts={"tokens": str(seen.tokens), "held": held, "unit": view.unit, "block": block},
    )


def _hex(root: bytes) -> str:
    return f"0x{root.hex()}"
