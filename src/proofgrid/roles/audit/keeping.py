"""Keeps the audit log: gives entries their places, signs checkpoints, writes down who was refused."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.distant import in_turn_of
from proofgrid.primitives.errors import Recoverable, Refused
from proofgrid.primitives.ids import Address
from proofgrid.primitives.signatures import Signer
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.audit.checkpoint import Checkpoint, audit_key_of
from proofgrid.rules.audit.entries import Entry, summary_of
from proofgrid.rules.audit.merkle import Frontier, leaf_hash
from proofgrid.rules.audit.refusals import Refusal, Refusals
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys
from proofgrid.store.audit import (
    ADD_AUDIT_CHECKPOINT,
    HAS_WAITING_AUDIT_ENTRIES,
    LATEST_AUDIT_CHECKPOINT,
    LOCK_AUDIT_LOG,
    PLACE_AUDIT_ENTRIES,
    WAITING_AUDIT_ENTRIES,
    WaitingEntry,
    note_entries,
)
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.acting import Act, current_act
from proofgrid.telemetry.seam import Span, observed_by

PLACE_SECONDS = 1.0
PLACED_AT_ONCE = 1_000
REFUSALS_SECONDS = 60.0  #: at most `KINDS_MAX` entries of refusals in this time, whoever knocks how often


class AuditPlacing:
    """Any number of gateways may run one; at any time one of them gives out places."""

    def __init__(self, database: Database, keys: NetworkKeys) -> None:
        self._database = database
        self._keys = keys

    async def run(self) -> None:
        """Give places until cancelled."""
        await Loop("audit_log", every(PLACE_SECONDS, self._all), retry_seconds=PLACE_SECONDS).run()

    async def _all(self) -> None:
        async with self._database.connection() as connection:
            if not await connection.value(HAS_WAITING_AUDIT_ENTRIES):
                return
        while await self.step() == PLACED_AT_ONCE:
            pass

    async def step(self) -> int:
        """Give places to the entries that wait, up to a bound, and sign what the log is then; return how many."""
        async with self._database.transaction(Transaction.PLACE_AUDIT) as connection:
            await connection.run(LOCK_AUDIT_LOG)
            waiting = await connection.fetch(WAITING_AUDIT_ENTRIES, limit=PLACED_AT_ONCE)
            if waiting:
                await self._place(connection, waiting)
        return len(waiting)

    async def _place(self, connection: Connection, waiting: list[WaitingEntry]) -> None:
        latest = await connection.first(LATEST_AUDIT_CHECKPOINT)
        before = Frontier() if latest is None else Frontier(latest.size, latest.roots)
        spelled = [_spelled(one) for one in waiting]
        leaves = [leaf_hash(one) for one in spelled]
        await connection.run(
            PLACE_AUDIT_ENTRIES,
            entry_ids=[one.entry_id for one in waiting],
            positions=list(range(before.size, before.size + len(waiting))),
            spelled=spelled,
            leaves=leaves,
        )
        after = before.append(leaves)
        signer = self._keys.voice(Purpose.CHECKPOINTS).signer
        note = await in_turn_of(signer, partial(_signed, signer, self._keys.network, after))
        await connection.run(ADD_AUDIT_CHECKPOINT, size=after.size, roots=list(after.roots), note=note)


class RefusedCalls:
    """Hears of every call that was refused, and writes them down now and then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._refusals = Refusals()

    async def run(self) -> None:
        """Listen until cancelled; what was heard by then is written down, if the database is there."""
        with observed_by(self.hear):
            try:
                await Loop(
                    "refused_calls",
                    every(REFUSALS_SECONDS, self.write_down),
                    first=REFUSALS_SECONDS,
                    retry_seconds=REFUSALS_SECONDS,
                ).run()
            finally:
                with suppress(Recoverable):
                    await self.write_down()

    def hear(self, ended: Span) -> None:
        """Count a call that ended with a refusal; everything else is not for this log."""
        act = current_act()
        if ended.kind == "call" and act is not None and isinstance(ended.error, Refused):
            refused = Refusal(ended.name, act.by, ended.error.code)
            self._refusals.note(refused, partial(_told, refused, act))

    async def write_down(self) -> None:
        """Write down what was heard since the last time."""
        entries = self._refusals.take(self._clock.now_ms())
        if not entries:
            return
        try:
            async with self._database.transaction(Transaction.NOTE_REFUSALS) as connection:
                await note_entries(connection, entries)
        except BaseException:
            self._refusals.give_back(entries)
            raise


def _told(refused: Refusal, act: Act) -> Entry:
    what = summary_of(act.request, api_key=act.api_key)
    return Entry(act=refused.act, by=refused.by, peer=act.peer, what=what, outcome=refused.code, count=1, at_ms=0)


def _signed(signer: Signer, network: Address, log: Frontier) -> str:
    key = audit_key_of(signer, network)
    return key.sign(Checkpoint(key.name, log.size, log.root).text)


def _spelled(row: WaitingEntry) -> bytes:
    return Entry(
        act=row.act, by=row.caller, peer=row.peer, what=row.what, outcome=row.outcome, count=row.count, at_ms=row.at_ms
    ).spelled
