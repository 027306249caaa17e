"""Corrections of sizes, and the verified jobs that they are learned of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.ids import Address, ProverId
from proofgrid.rules.jobs.sizes import Correction, Corrections, ProvenJob, Said
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query

HOUR_MS = 3_600_000
WINDOWS_MS = (HOUR_MS, 24 * HOUR_MS, 7 * 24 * HOUR_MS)
JOBS_ENOUGH = 2_000  #: in a window; with fewer, older ones are looked at
JOBS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class SizeInForce:
    """The newest correction of a scope, with what it rests on; shares are thousandths."""

    number: int
    proof_system: str
    engine: str
    scope: str
    units_permille: int
    memory_permille: int
    operators: int
    proofs: int
    measured_permille: int | None
    measured_memory_permille: int | None
    made_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class SizeOfSeat:
    """The correction that a seat's units and memory come out of."""

    number: int
    scope: str
    units_permille: int
    memory_permille: int

    @property
    def correction(self) -> Correction:
        """Return it as the rules see it."""
        return Correction(
            number=self.number,
            scope=self.scope,
            units_permille=self.units_permille,
            memory_permille=self.memory_permille,
        )


@dataclass(frozen=True, slots=True)
class ProvenRow:
    """A job whose proof was verified in time."""

    proof_system: str
    engine: str
    program_digest: Digest
    slice: int
    operator: Address
    prover_id: ProverId
    said_units: int
    said_memory_bytes: int
    ran_ms: int
    memory_peak_bytes: int

    @property
    def job(self) -> ProvenJob:
        """Return it as the rules see it."""
        return ProvenJob(
            proof_system=self.proof_system,
            engine=self.engine,
            said=Said(
                program=self.program_digest,
                slice=self.slice,
                units=self.said_units,
                memory_bytes=self.said_memory_bytes,
            ),
            operator=self.operator,
            prover_id=self.prover_id,
            ran_ms=self.ran_ms,
            memory_peak_bytes=self.memory_peak_bytes,
        )


LOCK_SIZES = query("lock_sizes", bool)
BEGIN_SIZES = query("begin_sizes", None)
SIZES_IN_FORCE = query("sizes_in_force", SizeInForce)
SIZES_OF_QUOTE = query("sizes_of_quote", SizeOfSeat)
PROVEN_JOBS = query("proven_jobs", ProvenRow)
INSERT_SIZES = query("insert_sizes", None)


def corrections_by_kind(rows: Sequence[SizeInForce]) -> Mapping[tuple[str, str], Corrections]:
    """Return corrections by (proof system, engine) and scope."""
    found: dict[tuple[str, str], dict[str, Correction]] = defaultdict(dict)
    for row in rows:
        found[row.proof_system, row.engine][row.scope] = Correction(
            number=row.number,
            scope=row.scope,
            units_permille=row.units_permille,
            memory_permille=row.memory_permille,
            made_ms=row.made_ms,
        )
    return found


async def proven_lately(connection: Connection) -> list[ProvenRow]:
    """Return jobs that were proven in time: those of the last hour, and older ones where these are few."""
    found: list[ProvenRow] = []
    for window_ms in WINDOWS_MS:
        found = await connection.fetch(PROVEN_JOBS, within_ms=window_ms, limit=JOBS_MAX)
        if len(found) >= JOBS_ENOUGH:
            break
    return found
