"""Spells the proofs of tasks that are to be brought to a contract as calls of it; the anchor does the rest.

A gateway has the engines that know how, and no chain; the anchor has the chain, and no engine.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from proofgrid.primitives.errors import ProofgridError, Recoverable
from proofgrid.primitives.ids import GatewayId, TaskId
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.bundles.contracts import spell_call
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.pool.child import OWN_SCRATCH
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.loop import Loop, every
from proofgrid.roles.settlement.parts import read_part
from proofgrid.rules.chain.delivering import CALL_BYTES_MAX, DeliveryState, NotDelivered
from proofgrid.rules.jobs.delivery_events import NotDeliveredTo
from proofgrid.rules.jobs.lifecycle import TaskState
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.combining import PROOFS_OF_TASKS
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.proof_deliveries import (
    CLAIM_TO_SPELL,
    IS_TO_SPELL,
    NOTE_CALL,
    DeliveryToSpell,
    note_delivery,
)
from proofgrid.store.tasks import LOCK_TASK, append_event
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 1.0
PER_LOOK = 16
SPELL_TIMEOUT_SECONDS = 120.0
DETAIL_CHARS_MAX = 500

log = structlog.get_logger(__name__)


class Spelling:
    """Looks until cancelled. `systems`: whose proofs can be spelled here; others are left to other gateways."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        gateway_id: GatewayId,
        systems: Sequence[str],
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._free = {"gateway_id": gateway_id, "gateway_silent_ms": GATEWAY_SILENT_MS, "systems": list(systems)}

    async def run(self) -> None:
        """Look every second."""
        look = every(LOOK_SECONDS, self.look)
        await Loop("spelling", look, retry_seconds=LOOK_SECONDS, trouble="spelling_postponed").run()

    async def look(self) -> None:
        """Spell what waits for it."""
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            if not await connection.value(IS_TO_SPELL, **self._free):
                return
        async with self._database.transaction(Transaction.SPELL_DELIVERY) as connection:
            rows = await connection.fetch(CLAIM_TO_SPELL, **self._free, limit=PER_LOOK)
        for row in rows:
            try:
                call = await self._spelled(row)
            except Recoverable as error:
                log.warning("spelling_postponed", task_id=str(row.task_id), reason=error.detail)
            except ProofgridError as error:
                await self._refuse(row, without_last_words(error.detail)[:DETAIL_CHARS_MAX])
            else:
                await self._database.write(Transaction.SPELL_DELIVERY, NOTE_CALL, task_id=row.task_id, call=call)

    async def _spelled(self, row: DeliveryToSpell) -> bytes:
        if row.task_state is not TaskState.DONE:
            raise NotDelivered("there is no proof of it")
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            jobs = await connection.fetch(PROOFS_OF_TASKS, task_ids=[row.task_id])
        program = await self._library.program(row.program_digest)
        statement = next((job.statement for job in jobs if job.statement is not None), {})
        parts = [await read_part(self._artifacts, job) for job in jobs]
        async with self._library.at_hand(program, program.verifying_files) as files:
            spelled = await self._workers.call(
                spell_call,
                program.proof_system,
                files,
                statement,
                parts,
                OWN_SCRATCH,
                timeout_seconds=SPELL_TIMEOUT_SECONDS,
                urgency=Urgency.READING,
            )
        call = bytes.fromhex(spelled.removeprefix("0x"))
        if len(call) > CALL_BYTES_MAX:
            raise NotDelivered(f"its call has {len(call)} bytes, at most {CALL_BYTES_MAX} are brought to a contract")
        return call

    async def _refuse(self, row: DeliveryToSpell, detail: str) -> None:
        async with self._database.transaction(Transaction.SPELL_DELIVERY) as connection:
            await connection.first(LOCK_TASK, task_id=row.task_id)
            if not await note_delivery(
                connection, row.task_id, was=DeliveryState.WANTED, state=DeliveryState.REFUSED, detail=detail
            ):
                return
            told = NotDeliveredTo(contract=row.target, detail=detail, price=0)
            await append_event(connection, TaskId(row.task_id), told)
        log.info("delivery_refused", task_id=str(row.task_id), reason=detail)
