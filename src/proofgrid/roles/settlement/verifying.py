"""Results of one program are verified in worker processes, many in one call; a call that fails is taken apart.

A verifier that dies on several proofs tries each on its own; one that dies twice on one proof was killed by it, unless
it took more memory than it may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import BadProof, JobCrashed, JobTimedOut, JobTookTooMuch, ProofgridError
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobOutput, Program, ProgramFiles
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.jobs.offers import JobReport
from proofgrid.store.settlement import ReportedLease
from proofgrid.telemetry import traces
from proofgrid.telemetry.metrics.of_gateway import PROOFS_VERIFIED, VERIFY_SECONDS

VERIFY_TIMEOUT_SECONDS = 120.0
QUICK_SECONDS = 0.05  #: a proof that is verified faster is worth no worker call and no transaction of its own
QUICK_PER_CALL = 64

Fault = BaseException
Reported = tuple[JobReport, ReportedLease]  #: a report and its lease


class Verifying:
    """`on_quick` is told of programs whose proofs are verified in no time."""

    def __init__(
        self,
        library: ProgramLibrary,
        workers: ProofWorkers,
        *,
        scratch: Path,
        clock: Clock,
        on_quick: Callable[[Program], None],
    ) -> None:
        self._library = library
        self._workers = workers
        self._scratch = scratch
        self._clock = clock
        self._on_quick = on_quick

    async def verify(
        self, program: Program, batch: list[Reported], contents: Sequence[bytes | BaseException]
    ) -> list[Fault | None]:
        """Return for each report what is wrong with it, or None."""
        faults: list[Fault | None] = [c if isinstance(c, BaseException) else None for c in contents]
        began = self._clock.running_seconds()
        readable = [place for place, fault in enumerate(faults) if fault is None]
        items = [
            (lease.slice, lease.facts, JobOutput(proof=content, public=report.public))
            for (report, lease), content in zip(batch, contents, strict=True)
            if isinstance(content, bytes)
        ]
        async with self._library.at_hand(program, program.verifying_files) as files:
            chunks = [items[start : start + QUICK_PER_CALL] for start in range(0, len(items), QUICK_PER_CALL)]
            verdicts = await asyncio.gather(*(self._verify_chunk(program, files, chunk) for chunk in chunks))
        for place, verdict in zip(readable, (one for chunk in verdicts for one in chunk), strict=True):
            faults[place] = verdict
            lease = batch[place][1]
            took = self._clock.running_seconds() - began
            traces.note("verify", traces.of_lease(lease.task_id, lease.lease_id), took, verdict=_told(verdict))
            PROOFS_VERIFIED.add(1, _told(verdict))
        return faults

    async def _verify_chunk(
        self, program: Program, files: ProgramFiles, items: list[in_worker.Verifiable]
    ) -> Sequence[Fault | None]:
        started = self._clock.running_seconds()
        try:
            verdicts = await self._call_verifier(program, files, items)
        except (JobCrashed, JobTimedOut) as error:
            if len(items) == 1:
                return [await self._verify_again(program, files, items[0], error)]
            # One of them is to blame: each on its own tells which.
            return [verdict for item in items for verdict in await self._verify_chunk(program, files, [item])]
        took = self._clock.running_seconds() - started
        VERIFY_SECONDS.observe(took, program.proof_system)
        if took < QUICK_SECONDS:
            self._on_quick(program)
        return verdicts

    async def _verify_again(
        self, program: Program, files: ProgramFiles, item: in_worker.Verifiable, error: ProofgridError
    ) -> Fault | None:
        # Once may be our machine's fault; twice in a row it is the proof's.
        try:
            return (await self._call_verifier(program, files, [item]))[0]
        except JobTookTooMuch as too_much:
            return too_much  # its program may be what is so large: nobody knows whose fault it is
        except (JobCrashed, JobTimedOut):
            return BadProof(f"the verifier failed on this proof: {error.detail}")

    async def _call_verifier(
        self, program: Program, files: ProgramFiles, items: list[in_worker.Verifiable]
    ) -> Sequence[Fault | None]:
        return await self._workers.call(
            in_worker.verify_partials,
            program.proof_system,
            files,
            items,
            self._scratch,
            timeout_seconds=VERIFY_TIMEOUT_SECONDS,
            urgency=Urgency.MONEY,
        )


def _told(verdict: Fault | None) -> str:
    if verdict is None:
        return "valid"
    return "invalid" if isinstance(verdict, BadProof) else "unknown"
