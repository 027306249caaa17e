"""Worker processes for the blocking calls of proof systems, so that no engine can block, leak into or kill a gateway.

    await workers.call(normalise_many, "ezkl", files, [inputs], OWN_SCRATCH, False, timeout_seconds=30,
                       urgency=Urgency.ADMISSION)

What a worker does to itself stays there: a panic, a crash, a hang end as JobCrashed or JobTimedOut and the worker
is replaced. Errors of proofgrid cross whole.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, TypeVarTuple, cast

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.errors import BadProof, InvalidField, JobCrashed, ProofgridError
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.primitives.turns import Shares, Urgency
from proofgrid.proofs.base import JobOutput, NormalisedRequest, Program, ProgramFiles
from proofgrid.proofs.confinement.room import Room
from proofgrid.proofs.kit.one_proof import check_one_proof
from proofgrid.proofs.kit.verdicts import verdicts_of
from proofgrid.proofs.kit.workdirs import empty_folders
from proofgrid.proofs.offers import MakesOneProof, SealsInputs, TriesInputs
from proofgrid.proofs.pool.answers import read_answer
from proofgrid.proofs.pool.child import WorkerSettings
from proofgrid.proofs.pool.crew import Crew
from proofgrid.proofs.pool.holding import Writer
from proofgrid.proofs.registry import proof_system
from proofgrid.proofs.setup import TrustRoots

Arguments = TypeVarTuple("Arguments")
T = TypeVar("T")

PROGRESS_FILE = "progress"
LONG = (Urgency.BUILDING, Urgency.BACKGROUND)  #: takes seconds to minutes: in processes of its own, that end after it
LONG_PLACES = 3
LONG_IDLE_SECONDS = 10.0
LONG_NICENESS = 5
LONG_TO_SHORT_MEMORY = 2

Verifiable = tuple[int, Mapping[str, Json], JobOutput]  #: slice, facts, what its prover handed in


class ProofWorkers:
    """`count` worker processes with `threads_each` engine threads for short calls, and some more for two kinds of work.

    One more is kept for what moves money, so that verifying waits for nobody else. Long work, builds above all,
    never takes a place from the rest: it has processes of its own. All start when they are first needed.
    No worker has a network, privileges or secrets of our environment; what one takes too much of ends it.
    What engines print, their panics above all, goes where our standard error goes, or into the file `complaints`.
    """

    def __init__(
        self,
        count: int,
        *,
        threads_each: int = 1,
        complaints: Path | None = None,
        memory_bytes: int = 0,
        room: Room | None = None,
        scratch: Path | None = None,
    ) -> None:
        """`memory_bytes`: what a short call may use, and half of what a long one may; 0: whatever there is.

        `room`: what calls may reach; None: whatever this process's user may, which is for a user's own work only.
        `scratch`: where each worker of a room gets a folder that no other sees; calls know it as OWN_SCRATCH.
        """
        self.count = count
        self._writer = Writer()
        short = WorkerSettings(
            threads_each=threads_each,
            complaints=complaints,
            niceness=0,
            memory_bytes=memory_bytes,
            room=room,
            scratch=scratch,
        )
        long = replace(short, niceness=LONG_NICENESS, memory_bytes=memory_bytes * LONG_TO_SHORT_MEMORY)
        self._long_settings = long
        self._alone: set[Crew] = set()  #: of one worker each, for calls that work in a folder of the caller's
        self._short = Crew(count + 1, shares_of(count), short, spare=True, idle_seconds=None)
        self._long = Crew(LONG_PLACES, {}, long, spare=False, idle_seconds=LONG_IDLE_SECONDS)

    async def call(
        self,
        function: Callable[[*Arguments], T],
        /,
        *args: *Arguments,
        timeout_seconds: float,
        urgency: Urgency,
        client: str = "",
        folder: Path | None = None,
    ) -> T:
        """Run an importable function in a worker; cancelling this call cancels the work.

        The more urgent calls run first; those of the same urgency let clients take turns, where a client is named.
        ProgramFiles among the arguments are sent to a worker once, and held there.
        `folder`: the caller's, in which the call works: a worker of its own, which ends with it, writes there.
        `timeout_seconds` counts from when a worker takes the call. Raises JobCrashed, JobTimedOut, or what was raised
        there if it is one of our errors.
        """
        written = self._writer.written(function, args)
        async with self._crew_for(urgency, folder) as crew:
            is_result, content = await crew.run(
                written, timeout_seconds=timeout_seconds, urgency=urgency, client=client
            )
        if is_result:
            return cast(T, read_answer(content))
        error = read_answer(content)
        raise error if isinstance(error, ProofgridError) else JobCrashed("the worker process died of an unknown error")

    @asynccontextmanager
    async def _crew_for(self, urgency: Urgency, folder: Path | None) -> AsyncIterator[Crew]:
        if folder is None or self._long_settings.room is None:
            yield self._long if urgency in LONG else self._short
            return
        room = replace(self._long_settings.room, writes=(folder, *self._long_settings.room.writes))
        crew = Crew(1, {}, replace(self._long_settings, room=room, scratch=None), spare=False, idle_seconds=None)
        self._alone.add(crew)
        try:
            yield crew
        finally:
            self._alone.discard(crew)
            await crew.close()

    def waiting_seconds(self) -> dict[Urgency, float]:
        """Return how long the oldest call of each urgency has waited for a worker, where any does."""
        return {**self._short.waiting_seconds(), **self._long.waiting_seconds()}

    async def close(self) -> None:
        """Kill all workers; calls under way end with JobCrashed."""
        await asyncio.gather(*(crew.close() for crew in (self._short, self._long, *self._alone)))


def shares_of(count: int) -> Shares:
    """Return who may hold how many of `count` and one more places: money any, sealing and reading never all others."""
    return {Urgency.ROUNDS: count, Urgency.SEALING: count - 1}


# --- the calls of proofs.base, by the name of the proof system ----------------------------------------


def build_program(
    name: str, source: Mapping[str, Path], settings: Mapping[str, Json], trust: TrustRoots, workdir: Path
) -> ProgramFiles:
    """See ProofSystem.build_program. How far it is stands in `workdir / PROGRESS_FILE`: "<stage> <share in 1/1000>"."""

    def report(stage: str, permille: int) -> None:
        writing = workdir / f"{PROGRESS_FILE}.new"
        writing.write_text(f"{stage} {permille}")
        writing.replace(workdir / PROGRESS_FILE)  # whoever reads it finds one or the other, whole

    return proof_system(name).build_program(source, settings, trust=trust, workdir=workdir, report=report)


async def progress_of(
    building: asyncio.Future[ProgramFiles], workdir: Path, *, every_seconds: float
) -> AsyncIterator[tuple[str, int]]:
    """Yield how far a call of `build_program` in a worker is, (stage, share in 1/1000), until it is over."""
    seen = ""
    while not building.done():
        await asyncio.wait([building], timeout=every_seconds)
        text = await asyncio.to_thread(_read_if_there, workdir / PROGRESS_FILE)
        if text and text != seen:
            seen = text
            stage, _, permille = text.rpartition(" ")
            yield stage, int(permille)


def _read_if_there(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def check_program(name: str, files: ProgramFiles) -> None:
    """See ProofSystem.check_program."""
    proof_system(name).check_program(files)


def normalise_many(
    name: str, files: ProgramFiles, requests: list[list[Json]], scratch: Path, aggregate: bool
) -> tuple[list[NormalisedRequest | ProofgridError], float]:
    """See ProofSystem.normalise; return each request normalised or what is wrong with it, and the seconds of all.

    `aggregate`: one proof of each request is wanted (MakesOneProof).
    """
    system = proof_system(name)
    started = time.perf_counter()
    with empty_folders(scratch) as workdirs:

        def normalise(inputs: list[Json]) -> NormalisedRequest:
            if not aggregate:
                return system.normalise(files, inputs, workdir=workdirs.next())
            if not isinstance(system, MakesOneProof):
                raise InvalidField(f"{name} makes no proof of many proofs", field="aggregate")
            request = system.normalise_to_one(files, inputs, workdir=workdirs.next())
            check_one_proof(files.program, request)
            return request

        verdicts = verdicts_of(normalise, requests)
    return verdicts, time.perf_counter() - started


def check_told(name: str, files: ProgramFiles, told: NormalisedRequest, scratch: Path) -> None:
    """See SealsInputs.check_told. Raises InvalidField for what a client cannot say, CannotSeal where nobody can."""
    system = sealing_system(name, files.program)
    with tempfile.TemporaryDirectory(dir=scratch) as workdir:
        try:
            system.check_told(files, told, workdir=Path(workdir))
        except BadProof as error:
            where = f"sealed.{error.field}" if error.field else "sealed"
            raise InvalidField(error.detail, field=where, hint="seal it with `proofgrid submit --sealed`") from None
        except ProofgridError:
            raise
        except Exception as error:  # a stranger's JSON of a form that nobody foresaw
            raise InvalidField(f"not of this program: {type(error).__name__}", field="sealed") from None


def sealing_system(name: str, program: Program) -> SealsInputs:
    """Return the proof system of a program whose inputs may be sealed; raise CannotSeal with the reason otherwise."""
    system = proof_system(name)
    if not isinstance(system, SealsInputs):
        raise CannotSeal(
            f"{name} needs to see an input to tell what its jobs take, or what they show", field="program_digest"
        )
    if why := system.shows_inputs(program):
        raise CannotSeal(why, field="program_digest")
    return system


def can_be_proven(name: str, files: ProgramFiles, slice_index: int, job_input: bytes, scratch: Path) -> bool | None:
    """See TriesInputs.can_be_proven; None where the proof system does not offer it."""
    system = proof_system(name)
    if not isinstance(system, TriesInputs):
        return None
    with tempfile.TemporaryDirectory(dir=scratch) as workdir:
        return system.can_be_proven(files, slice_index, job_input, workdir=Path(workdir))


def verify_partials(
    name: str, files: ProgramFiles, proofs: list[Verifiable], scratch: Path
) -> list[ProofgridError | None]:
    """See ProofSystem.verify_partial; say of each proof what is wrong with it."""
    system = proof_system(name)
    with empty_folders(scratch) as workdirs:

        def verify(proof: Verifiable) -> None:
            slice_index, facts, output = proof
            system.verify_partial(files, slice_index, facts, output, workdir=workdirs.next())

        return verdicts_of(verify, proofs)
