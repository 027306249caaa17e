"""Jobs get their size: what their proof system says of them, corrected by what verified jobs needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Lane
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import JobDraft, Program
from proofgrid.proofs.registry import systems_of
from proofgrid.rules.jobs.sizes import Correction, Corrections, Said, corrected, correction_of
from proofgrid.store.database import Database
from proofgrid.store.sizes import SIZES_IN_FORCE, SIZES_OF_QUOTE, corrections_by_kind

REREAD_SECONDS = 30.0
NO_CORRECTIONS: Corrections = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedJob:
    """A job with its size."""

    proof_system: str  #: whose provers prove it
    content: JobDraft
    said: JobDraft  #: the same job as its proof system says
    correction: int  #: the number of what was made of that; 0: nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedJob:
    """A job with its size, in the lane that it is sold in."""

    lane: Lane
    sized: SizedJob

    @property
    def content(self) -> JobDraft:
        return self.sized.content


class Sizing:
    """Knows the corrections in force, as of half a minute ago. Unless they are wanted, jobs are as large as is said."""

    def __init__(self, database: Database, clock: Clock, *, is_wanted: bool) -> None:
        self._database = database
        self._clock = clock
        self._is_wanted = is_wanted
        self._by_kind: Mapping[tuple[str, str], Corrections] = {}
        self._read_at: float | None = None

    async def sized(
        self, program: Program, digest: Digest, jobs: Sequence[JobDraft], engines: Mapping[str, str]
    ) -> list[SizedJob]:
        """Return a program's jobs with the sizes that they have from now on; `engines`: what proves it, by system."""
        await self._read()
        systems = systems_of(program)
        kinds = [self._by_kind.get((one, engines[one]), NO_CORRECTIONS) for one in systems]
        saids = [_said(digest, job) for job in jobs]
        return [
            _sized(systems[job.slice_index], job, said, correction_of(said, kinds[job.slice_index]))
            for job, said in zip(jobs, saids, strict=True)
        ]

    async def as_sold(
        self, program: Program, digest: Digest, jobs: Sequence[JobDraft], quote_id: UUID
    ) -> list[SizedJob]:
        """Return the jobs with the sizes that a firm quote was sold for.

        Raises InvalidField when the inputs make other jobs.
        """
        async with self._database.connection(Urgency.ADMISSION) as connection:
            seats = await connection.fetch(SIZES_OF_QUOTE, quote_id=quote_id)
        if len(seats) != len(jobs):
            raise other_jobs()
        systems = systems_of(program)
        return [
            _sized(systems[job.slice_index], job, _said(digest, job), seat.correction)
            for job, seat in zip(jobs, seats, strict=True)
        ]

    async def units_of(self, program: Program, digest: Digest, engines: Mapping[str, str]) -> int:
        """Return the units of all slices of a program together; `engines`: what proves it, by system."""
        await self._read()
        said = [
            Said(program=digest, slice=spec.index, units=spec.units, memory_bytes=spec.memory_bytes)
            for spec in program.slices
        ]
        kinds = [self._by_kind.get((one, engines[one]), NO_CORRECTIONS) for one in systems_of(program)]
        return sum(corrected(one, correction_of(one, kinds[one.slice]))[0] for one in said)

    async def _read(self) -> None:
        now = self._clock.running_seconds()
        if not self._is_wanted or (self._read_at is not None and now < self._read_at + REREAD_SECONDS):
            return
        self._read_at = now  # whoever comes meanwhile goes on with what is known
        async with self._database.connection(Urgency.ADMISSION) as connection:
            rows = await connection.fetch(SIZES_IN_FORCE)
        self._by_kind = corrections_by_kind(rows)


def other_jobs() -> InvalidField:
    """Return what is said to a client whose inputs are not those of its firm quote."""
    return InvalidField("these inputs make other jobs than the quote was sold for", field="inputs")


def _said(digest: Digest, job: JobDraft) -> Said:
    return Said(program=digest, slice=job.slice_index, units=job.units, memory_bytes=job.memory_bytes)


def _sized(proof_system: str, job: JobDraft, said: Said, correction: Correction) -> SizedJob:
    units, memory_bytes = corrected(said, correction)
    unchanged = (units, memory_bytes) == (job.units, job.memory_bytes)
    return SizedJob(
        proof_system=proof_system,
        content=job if unchanged else replace(job, units=units, memory_bytes=memory_bytes),
        said=job,
        correction=correction.number,
    )
