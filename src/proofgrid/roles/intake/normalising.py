"""From requests to their jobs: quantised and run forward in worker processes, large inputs stored.

requests of a program that wait --one call--> a worker: one verdict each
                                 '-> it crashed, or hung: one call each, so that the guilty one is found
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.digests import Digest, digest_of
from proofgrid.primitives.errors import Busy, InvalidRequest, Recoverable
from proofgrid.primitives.ids import Address
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.intake.drafts import is_small
from proofgrid.roles.intake.rates import Rates
from proofgrid.roles.intake.reservations import Reservation, Reservations, unless_whole
from proofgrid.roles.intake.sealing import the_system_of, told_request
from proofgrid.rules.jobs.limits import Rate
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.jobs.sealing import SealedRequest
from proofgrid.rules.scheduling.calls import pieces_per_call
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.batches import Batches
from proofgrid.telemetry.metrics.of_gateway import NORMALISE_SECONDS

NORMALISE_TIMEOUT_SECONDS = 300.0
LINES_MAX = 1_024  #: programs whose requests wait in a line of their own
UPLOADS_AT_ONCE = 16

QUICK_SECONDS = 0.005  #: requests that take less may be normalised before anything else is known of them

_WEIGHT = 0.2  #: of the latest call in what a request is thought to take


_Kind = tuple[Digest, bool]  #: of requests that wait together: their program, and whether one proof is wanted


@dataclass(slots=True)
class _Pace:
    """How long a request of a program takes."""

    seconds: float | None = None  #: None: not known yet

    def note(self, seconds: float) -> None:
        self.seconds = seconds if self.seconds is None else self.seconds + _WEIGHT * (seconds - self.seconds)

    def size(self) -> int:
        """Return how many requests go into a call: one of a program that is slow, or not known yet."""
        return 1 if self.seconds is None else pieces_per_call(self.seconds)

    @property
    def is_slow(self) -> bool:
        """Is it known that no two go together?"""
        return self.seconds is not None and self.size() == 1


@dataclass(frozen=True, slots=True)
class _Line:
    """Where the requests of a program wait."""

    pace: _Pace
    batches: Batches[list[Json], NormalisedRequest]
    running: asyncio.Task[None]


class Normaliser:
    """Asks the program's proof system, in a worker. What comes together is asked together while `run` runs."""

    def __init__(
        self,
        artifacts: ArtifactStore,
        library: ProgramLibrary,
        workers: ProofWorkers,
        reservations: Reservations,
        *,
        scratch: Path,
        clock: Clock | None = None,
    ) -> None:
        self._artifacts = artifacts
        self._library = library
        self._workers = workers
        self._reservations = reservations
        self._scratch = scratch
        # A client may take half of the workers for ever, and all of them for a minute.
        share = Rate(per_second=500 * workers.count, burst=60_000 * workers.count)
        self._milliseconds: Rates[Address] = Rates(share, clock or SystemClock())
        self._group: asyncio.TaskGroup | None = None
        self._lines: OrderedDict[_Kind, _Line] = OrderedDict()

    async def run(self) -> None:
        """Normalise what waits until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await asyncio.Event().wait()
        finally:
            self._group = None
            self._lines.clear()

    def is_quick(self, request: ProofRequest) -> bool:
        """Tell whether requests of this kind are known to take next to no time."""
        line = self._lines.get((request.program_digest, request.aggregate))
        seconds = None if line is None else line.pace.seconds
        return seconds is not None and seconds < QUICK_SECONDS

    async def program(self, digest: Digest) -> Program:
        """Return a registered program; raise UnknownProgram."""
        return await self._library.program(digest)

    async def normalise(
        self, program: Program, request: ProofRequest, client: Address, *, urgency: Urgency = Urgency.ADMISSION
    ) -> NormalisedRequest:
        """Return a request's statement and jobs; raise InvalidRequest errors of its inputs.

        Raises Busy for a client that has had more than its share of the workers.
        """
        began = asyncio.get_running_loop().time()
        try:
            return await self._normalise(program, request, client, urgency)
        finally:
            NORMALISE_SECONDS.observe(asyncio.get_running_loop().time() - began, program.proof_system)

    async def _normalise(
        self, program: Program, request: ProofRequest, client: Address, urgency: Urgency
    ) -> NormalisedRequest:
        waits_ms = self._milliseconds.wait_ms(client, 0)
        if waits_ms:
            raise Busy("your requests have had their share of the workers", hint="try again later", wait_ms=waits_ms)
        if request.sealed is not None:
            return await self._told(program, request.sealed, client)
        inputs = list(request.inputs)
        if self._group is None or urgency is not Urgency.ADMISSION:
            return _raised(await self._alone(program, request.aggregate, _Pace(), inputs, client, urgency))
        line = self._line(self._group, (request.program_digest, request.aggregate))
        if line.pace.is_slow:
            # In the workers' own line clients take turns, whatever their programs.
            return _raised(await self._alone(program, request.aggregate, line.pace, inputs, client, urgency))
        return await line.batches.add(inputs)

    async def _told(self, program: Program, sealed: SealedRequest, client: Address) -> NormalisedRequest:
        """Return what a client says of inputs that it sealed, looked at in a worker; the jobs' inputs stay locked."""
        the_system_of(program)
        told = told_request(program, sealed)
        async with self._library.at_hand(program) as files:
            try:
                await self._workers.call(
                    in_worker.check_told,
                    program.proof_system,
                    files,
                    replace(told, jobs=tuple(replace(job, input=b"") for job in told.jobs)),
                    self._scratch,
                    timeout_seconds=NORMALISE_TIMEOUT_SECONDS,
                    urgency=Urgency.ADMISSION,
                    client=client,
                )
            except Recoverable as error:
                raise _unfit(error) from None
        return told

    async def _alone(
        self,
        program: Program,
        aggregate: bool,
        pace: _Pace,
        inputs: list[Json],
        client: Address,
        urgency: Urgency,
    ) -> list[NormalisedRequest | BaseException]:
        """Ask for one request, and count the time against its client; of what killed its worker that until the end."""
        began = asyncio.get_running_loop().time()
        took: list[float] = []
        verdicts = await self._call(program, aggregate, took.append, [inputs], urgency=urgency, client=client)
        seconds = took[0] if took else asyncio.get_running_loop().time() - began
        self._milliseconds.charge(client, int(1_000 * seconds))
        if took:
            pace.note(seconds)
        return verdicts

    async def store_inputs(self, client: Address, jobs: Sequence[JobDraft]) -> list[Digest]:
        """Store the jobs' inputs and return their digests; small ones are written with their jobs.

        Those that are not small count for the client, and are forgotten soon where no task names them. Raises TooLarge.
        """
        large = [job.input for job in jobs if not is_small(job.input)]
        if not large:
            return [digest_of(job.input) for job in jobs]
        async with self._reservations.reserved(client, sum(map(len, large))) as reservation:
            return await unless_whole(self._stored(jobs, reservation), lambda: True)

    async def _stored(self, jobs: Sequence[JobDraft], reservation: Reservation) -> list[Digest]:
        turn = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def store(content: bytes) -> Digest:
            async with turn:
                return await self._artifacts.put_bytes(content)

        async with asyncio.TaskGroup() as group:
            stored = {
                place: group.create_task(store(job.input)) for place, job in enumerate(jobs) if not is_small(job.input)
            }
        await reservation.settle({stored[place].result(): len(jobs[place].input) for place in stored}, released=True)
        return [stored[place].result() if place in stored else digest_of(job.input) for place, job in enumerate(jobs)]

    def _line(self, group: asyncio.TaskGroup, kind: _Kind) -> _Line:
        """Return where a program's requests wait."""
        if kind not in self._lines:
            self._forget_an_idle_line()
            pace = _Pace()
            batches: Batches[list[Json], NormalisedRequest] = Batches(
                partial(self._call_together, kind, pace), size_max=pace.size, at_once=self._workers.count
            )
            self._lines[kind] = _Line(pace, batches, group.create_task(batches.run()))
        self._lines.move_to_end(kind)
        return self._lines[kind]

    def _forget_an_idle_line(self) -> None:
        if len(self._lines) < LINES_MAX:
            return
        for kind, line in self._lines.items():
            if line.batches.is_idle:
                line.running.cancel()
                del self._lines[kind]
                return

    async def _call_together(
        self, kind: _Kind, pace: _Pace, requests: list[list[Json]]
    ) -> list[NormalisedRequest | BaseException]:
        program = await self._library.program(kind[0])  # which may have other files by now than when its line began
        return await self._call(program, kind[1], lambda seconds: pace.note(seconds / len(requests)), requests)

    async def _call(
        self,
        program: Program,
        aggregate: bool,
        took: Callable[[float], None],
        requests: list[list[Json]],
        *,
        urgency: Urgency = Urgency.ADMISSION,
        client: str = "",
    ) -> list[NormalisedRequest | BaseException]:
        """Return what became of each request; `took` is told the seconds of all, where the worker lived to say them.

        Raises Recoverable of several of which one may have killed the worker.
        """
        async with self._library.at_hand(program) as files:
            try:
                verdicts, seconds = await self._workers.call(
                    in_worker.normalise_many,
                    program.proof_system,
                    files,
                    requests,
                    self._scratch,
                    aggregate,
                    timeout_seconds=NORMALISE_TIMEOUT_SECONDS,
                    urgency=urgency,
                    client=client,
                )
            except Recoverable as error:
                if len(requests) == 1:
                    return [_unfit(error)]
                raise  # one of them killed the worker: which one is found out alone
            took(seconds)
            return list(verdicts)


def _unfit(error: Recoverable) -> InvalidRequest:
    # An input that kills the engine would kill every prover as well.
    # What an engine said may hold values of an input that is a secret: it is not even logged.
    return InvalidRequest(
        f"the proof system failed on these inputs: {without_last_words(error.detail)}", field="inputs"
    )


def _raised(verdicts: list[NormalisedRequest | BaseException]) -> NormalisedRequest:
    [verdict] = verdicts
    if isinstance(verdict, BaseException):
        raise verdict
    return verdict
