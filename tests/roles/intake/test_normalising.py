"""Requests that come together are normalised together, each with a verdict of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proofgrid.primitives.clock import ManualClock
from proofgrid.primitives.errors import ArtifactMissing, InvalidInput, InvalidRequest, JobCrashed, ProofgridError
from proofgrid.primitives.ids import Address
from proofgrid.proofs.base import NormalisedRequest, Program, ProgramFiles, SliceSpec
from proofgrid.roles.intake.normalising import Normaliser
from proofgrid.rules.scheduling.calls import PIECES_MAX
from tests.makers import a_request

CLIENT = Address("0xc1")
KILLS = "kills the worker"
REFUSED = "refused"


class ScriptedWorkers:
    """Stands for the workers and the library: normalises nothing, notes what came in each call."""

    def __init__(self, *, seconds_each: float = 0.001) -> None:
        self.count = 1
        self.seconds_each = seconds_each
        self.calls: list[list[Any]] = []
        self.called = asyncio.Semaphore(0)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.files_missing = False

    async def call(self, _function: Callable[..., Any], *args: Any, **_: object) -> Any:
        requests = [one for [one] in args[2]]
        self.calls.append(requests)
        self.called.release()
        await self.may_answer.wait()
        if KILLS in requests:
            raise JobCrashed("the worker process died")
        return [self._verdict(one) for one in requests], self.seconds_each * len(requests)

    def _verdict(self, value: Any) -> NormalisedRequest | ProofgridError:
        if value == REFUSED:
            return InvalidInput("no text", field="inputs[0]")
        return NormalisedRequest(statement={"value": value}, jobs=())

    async def program(self, _digest: str) -> Program:
        return _a_program()

    @asynccontextmanager
    async def at_hand(self, program: Program) -> AsyncIterator[ProgramFiles]:
        if self.files_missing:
            raise ArtifactMissing("no store")
        yield ProgramFiles(program, {})


def _a_program() -> Program:
    slices = (SliceSpec(index=0, units=1, memory_bytes=1),)
    return Program(proof_system="toy", identity={}, files={}, verifying_files=(), slices=slices)


@asynccontextmanager
async def normalising(workers: ScriptedWorkers) -> AsyncIterator[Callable[..., Any]]:
    fake: Any = workers
    normaliser = Normaliser(fake, fake, fake, fake, scratch=Path(), clock=ManualClock())
    program = _a_program()

    async def of(*values: object, digest: str = "p", client: Address = CLIENT) -> list[Any]:
        requests = [a_request(inputs=(value,), program_digest=digest) for value in values]
        asked = (normaliser.normalise(program, one, client) for one in requests)
        return await asyncio.gather(*asked, return_exceptions=True)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(normaliser.run())
        await asyncio.sleep(0)
        yield of
        running.cancel()


def _values(answers: list[Any]) -> list[Any]:
    return [one.statement["value"] if isinstance(one, NormalisedRequest) else type(one) for one in answers]


async def test_what_waits_while_a_call_is_under_way_goes_in_one() -> None:
    workers = ScriptedWorkers()
    async with normalising(workers) as of:
        # The first one tells how long one takes.
        assert _values(await of(1, 2, REFUSED, 3)) == [1, 2, InvalidInput, 3]
        assert workers.calls == [[1], [2, REFUSED, 3]]


async def test_one_that_kills_the_worker_takes_nobody_down() -> None:
    workers = ScriptedWorkers()
    async with normalising(workers) as of:
        assert _values(await of(0, 1, KILLS, REFUSED, 2)) == [0, 1, InvalidRequest, InvalidInput, 2]
        assert sorted(map(len, workers.calls)) == [1, 1, 1, 1, 1, 3, 4]


async def test_requests_that_take_long_go_one_by_one() -> None:
    workers = ScriptedWorkers(seconds_each=0.2)
    async with normalising(workers) as of:
        assert _values(await of(1, 2, 3)) == [1, 2, 3]
        assert workers.calls == [[1], [2], [3]]


async def test_a_call_has_no_more_requests_than_it_may() -> None:
    workers = ScriptedWorkers(seconds_each=0.0)
    async with normalising(workers) as of:
        await of(*range(PIECES_MAX + 2))
        assert list(map(len, workers.calls)) == [1, PIECES_MAX, 1]


async def test_programs_do_not_wait_for_each_other() -> None:
    workers = ScriptedWorkers()
    async with normalising(workers) as of, asyncio.TaskGroup() as group:
        workers.may_answer.clear()
        slow = group.create_task(of(1, digest="slow"))
        other = group.create_task(of(2, digest="other"))
        await workers.called.acquire()
        await workers.called.acquire()
        workers.may_answer.set()
        assert [_values(await slow), _values(await other)] == [[1], [2]]


async def test_files_that_cannot_be_had_are_nobodys_inputs() -> None:
    workers = ScriptedWorkers()
    async with normalising(workers) as of:
        workers.files_missing = True
        assert _values(await of(1, 2)) == [ArtifactMissing, ArtifactMissing]
