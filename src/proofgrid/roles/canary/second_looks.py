"""Verifies again what another version of an engine accepted, of programs that both have built.

All canaries are looked at, and one in sixteen of the other proofs. Where the two differ, one of them is broken: that is
an incident for an administrator, who stops one (docs/engines.md). Nothing is taken back by it, and settlement goes on.

Versions that pin themselves in a program's identity build other programs, so of these there is nothing to look at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import cast
from uuid import UUID

import structlog

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadProof, ProofgridError, Recoverable
from proofgrid.primitives.ids import uuid_at
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobOutput
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.loop import Loop, every
from proofgrid.rules.incidents.signals import Signal
from proofgrid.rules.ledger.accounts import NETWORK_CLIENT
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.incidents import open_incidents
from proofgrid.store.second_looks import LEASES_TO_LOOK_AT, NOTE_SECOND_LOOK, LeaseToLookAt
from proofgrid.store.settlement import LEASES_OF_REPORTS, ReportedLease
from proofgrid.store.transactions import Transaction

LOOK_SECONDS = 3.0
ONE_IN = 16  #: of proofs that are no canaries
BACK_MS = 600_000  #: leases that were sold longer ago are let be
PER_LOOK = 8
VERIFY_TIMEOUT_SECONDS = 120.0
DETAIL_CHARS_MAX = 1_000
PROOF_BYTES_MAX = 64 << 20

log = structlog.get_logger(__name__)


class SecondLooks:
    """Looks until cancelled. `here`: the engines whose proofs this gateway verifies."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        here: Collection[str],
        clock: Clock,
        scratch: Path,
        one_in: int = ONE_IN,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._here = sorted(here)
        self._clock = clock
        self._scratch = scratch
        self._one_in = one_in

    async def run(self) -> None:
        """Look every few seconds."""
        look = every(LOOK_SECONDS, self.look)
        await Loop("second_looks", look, retry_seconds=LOOK_SECONDS, trouble="second_looks_postponed").run()

    async def look(self) -> None:
        """Look at what was accepted lately."""
        async with self._database.connection(Urgency.BACKGROUND) as connection:
            rows = await connection.fetch(
                LEASES_TO_LOOK_AT,
                here=self._here,
                since=self._since(),
                network=NETWORK_CLIENT,
                one_in=self._one_in,
                limit=PER_LOOK,
            )
            leases = await connection.fetch(LEASES_OF_REPORTS, lease_ids=[row.lease_id for row in rows]) if rows else []
        facts = {lease.lease_id: lease for lease in leases}
        for row in rows:
            await self._look_at(row, facts[row.lease_id])

    def _since(self) -> UUID:
        return uuid_at(now_ms=max(0, self._clock.now_ms() - BACK_MS), chance=bytes(10))

    async def _look_at(self, row: LeaseToLookAt, lease: ReportedLease) -> None:
        try:
            fault = await self._fault(row, lease)
        except Recoverable as error:
            log.warning("second_look_postponed", lease_id=str(row.lease_id), reason=error.detail)
            return
        except ProofgridError as error:
            fault = error
        differs = isinstance(fault, BadProof)
        detail = ""
        if fault is not None:
            said = without_last_words(fault.detail)
            detail = f"lease {row.lease_id}: {row.accepted_by} accepted its proof, {row.looking} says: {said}"
        await self._note(row, lease, "differs" if differs else "unknown" if fault is not None else "agrees", detail)

    async def _note(self, row: LeaseToLookAt, lease: ReportedLease, verdict: str, detail: str) -> None:
        async with self._database.transaction(Transaction.NOTE_SECOND_LOOK) as connection:
            noted = await connection.first(
                NOTE_SECOND_LOOK,
                lease_id=row.lease_id,
                engine=row.looking,
                verdict=verdict,
                detail=detail[:DETAIL_CHARS_MAX],
            )
            if noted == "differs":  # once for each pair and program
                subject = f"{row.accepted_by}, {row.looking}, program {lease.program_digest}"
                await open_incidents(connection, [Signal(kind="engines", subject=subject, detail=detail)])
                log.error("engines_differ", lease_id=str(row.lease_id), detail=detail)

    async def _fault(self, row: LeaseToLookAt, lease: ReportedLease) -> ProofgridError | None:
        """Return what the engine that is here says of the proof; None: it verifies."""
        program = await self._library.program(lease.program_digest)
        proof = row.small_proof
        if proof is None:
            proof = await self._artifacts.read_bytes(row.proof_digest, limit_bytes=PROOF_BYTES_MAX)
        async with self._library.at_hand(program, program.verifying_files) as files:
            [fault] = await self._workers.call(
                in_worker.verify_partials,
                program.proof_system,
                files,
                [(lease.slice, lease.facts, JobOutput(proof=proof, public=cast("Mapping[str, Json]", row.public)))],
                self._scratch,
                timeout_seconds=VERIFY_TIMEOUT_SECONDS,
                urgency=Urgency.READING,
            )
        return fault
