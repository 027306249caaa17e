"""Reads the audit log again and again: its entries must hash to what its newest checkpoint signed.

A look goes on where the one before ended, up to a bound; at the end of the log its root is compared, and the next look
begins anew. A difference opens an incident, and nothing is administered until somebody has looked.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from proofgrid.primitives.notes import opened_note
from proofgrid.primitives.turns import Urgency
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.audit.checkpoint import audit_key_of, read_checkpoint
from proofgrid.rules.audit.merkle import Frontier, leaf_hash
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.identity.network_keys import NetworkKeys, NoSigningKey
from proofgrid.rules.incidents.signals import Signal
from proofgrid.store.audit import AUDIT_SPELLED, LATEST_AUDIT_CHECKPOINT, StoredCheckpoint
from proofgrid.store.database import Database
from proofgrid.store.incidents import open_incidents
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 2.0
READ_AT_ONCE = 2_000  #: entries of a look


class AuditCheck:
    """Any number of gateways may run one."""

    def __init__(self, database: Database, keys: NetworkKeys) -> None:
        self._database = database
        self._keys = keys
        self._frontier = Frontier()
        self._checked: StoredCheckpoint | None = None  #: against which this round of looks is

    async def run(self) -> None:
        """Look until cancelled."""
        await Loop("audit_check", every(LOOK_SECONDS, self.look), retry_seconds=LOOK_SECONDS).run()

    async def look(self) -> None:
        """Hash some more entries; open an incident for what does not match."""
        async with self._database.snapshot(Urgency.BACKGROUND) as connection:
            if self._checked is None:
                self._checked = await connection.first(LATEST_AUDIT_CHECKPOINT)
                self._frontier = Frontier()
            if self._checked is None:
                return
            beyond = min(self._checked.size, self._frontier.size + READ_AT_ONCE)
            spelled = await connection.fetch(AUDIT_SPELLED, first=self._frontier.size, beyond=beyond)
        wanted = beyond - self._frontier.size
        self._frontier = self._frontier.append([leaf_hash(one) for one in spelled])
        fault = "" if len(spelled) == wanted else f"of {wanted} entries before place {beyond} {len(spelled)} are there"
        if not fault and beyond == self._checked.size:
            fault = await asyncio.to_thread(self._difference, self._checked)  # the keys may be in another process
        if fault or beyond == self._checked.size:
            self._checked = None
        if fault:
            await self._open(fault)

    def _difference(self, stored: StoredCheckpoint) -> str:
        """Return what is wrong with the log up to its checkpoint; empty: nothing."""
        # Who owns the database can write roots; the note is signed by a key that is not there.
        checkpoint = None
        for signer in self._keys.all_for(Purpose.CHECKPOINTS):
            with suppress(NoSigningKey):  # of one in a module nothing follows
                text = opened_note(stored.note, audit_key_of(signer, self._keys.network).verifier)
                checkpoint = checkpoint or (read_checkpoint(text) if text else None)
        if checkpoint is None:  # of a key that was revoked, or that other gateways have: they look
            return ""
        if (checkpoint.size, checkpoint.root) != (self._frontier.size, self._frontier.root):
            return f"{self._frontier.size} entries do not hash to what the checkpoint of {checkpoint.size} signed"
        return ""

    async def _open(self, fault: str) -> None:
        async with self._database.transaction(Transaction.OPEN_INCIDENT) as connection:
            await open_incidents(connection, [Signal(kind="audit_log", subject="audit log", detail=fault)])
