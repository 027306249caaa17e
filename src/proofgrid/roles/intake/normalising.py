"""From a request to its jobs: quantised and run forward in a worker process, large inputs stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import InvalidRequest, Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.intake.drafts import is_small
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.store.artifacts import ArtifactStore

NORMALISE_TIMEOUT_SECONDS = 300.0
UPLOADS_AT_ONCE = 16


class Normaliser:
    """Asks the program's proof system, in a worker."""

    def __init__(
        self, artifacts: ArtifactStore, library: ProgramLibrary, workers: ProofWorkers, *, scratch: Path
    ) -> None:
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._scratch = scratch

    async def program(self, digest: Digest) -> Program:
        """Return a registered program; raise UnknownProgram."""
        return await self._library.program(digest)

    async def normalise(
        self, program: Program, request: ProofRequest, *, client: Address, urgency: Urgency = Urgency.ADMISSION
    ) -> NormalisedRequest:
        """Return a request's statement and jobs; raise InvalidRequest errors of its inputs."""
        async with self._library.at_hand(program) as files:
            try:
                return await self._workers.call(
                    in_worker.normalise,
                    program.proof_system,
                    files,
                    list(request.inputs),
                    self._scratch,
                    timeout_seconds=NORMALISE_TIMEOUT_SECONDS,
                    urgency=urgency,
                    client=client,
                )
            except Recoverable as error:
                # An input that kills the engine would kill every prover as well.
                # What an engine said may hold values of an input that is a secret: it is not even logged.
                raise InvalidRequest(
                    f"the proof system failed on these inputs: {without_last_words(error.detail)}", field="inputs"
                ) from error

    async def store_inputs(self, jobs: Sequence[JobDraft]) -> list[Digest]:
        """Store the jobs' inputs and return their digests; small ones are written with their jobs."""
        turn = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def store(content: bytes) -> Digest:
            async with turn:
                return await self._artifacts.put_bytes(content)

        async with asyncio.TaskGroup() as group:
            stored = {
                place: group.create_task(store(job.input)) for place, job in enumerate(jobs) if not is_small(job.input)
            }
        return [stored[place].result() if place in stored else digest_of(job.input) for place, job in enumerate(jobs)]
