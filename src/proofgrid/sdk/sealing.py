"""Requests whose inputs nobody reads but the provers that they are sealed for.

async with Client("grpcs://gateway.example:7400", key) as client:
    sealed = await client.sealing.submit(program.digest, [pixels], constraints=only_those_that_i_trust)
    print(sealed.provers)
    task = await client.wait(sealed.task.task_id)

Inputs are normalised here, by the code that a gateway runs, so the program's files have to be here: its owner may
download them, and whoever built the same program has them. Statement and facts are sent, inputs are sealed first.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.clock import Clock, SystemClock, fresh_bytes
from proofgrid.primitives.digests import Digest, digest_of_file
from proofgrid.primitives.errors import BadProof, InvalidField, InvalidRequest
from proofgrid.primitives.hpke import SECRET_BYTES
from proofgrid.primitives.ids import ProverId
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import NormalisedRequest, Program, ProgramFiles
from proofgrid.proofs.manifest import program_from_json
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.rules.jobs.constraints import NO_CONSTRAINTS, Constraints
from proofgrid.rules.jobs.sealing import (
    PROVERS_MAX,
    Recipient,
    SealContext,
    SealedJob,
    SealedRequest,
    check_certificate,
    commitment_to,
    lock_input,
    request_digest_of,
    seal_for,
)
from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.answers.work import Program as RegisteredProgram
from proofgrid.sdk.answers.work import Task
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.inputs import inputs_json
from proofgrid.sdk.terms import Terms
from proofgrid.sdk.transfer import download_file
from proofgrid.wire.codec.requests import write_constraints, write_ladder
from proofgrid.wire.codec.sealing import read_recipient, write_sealed
from proofgrid.wire.v1 import client_pb2 as messages
from proofgrid.wire.v1 import sealing_pb2

NORMALISE_SECONDS = 600.0

OnStage = Callable[[str, int], None]  #: (stage, share done in 1/1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTask:
    """A task that was accepted, and who can read its inputs: nobody else, and none of them after the end of its key."""

    task: Task
    provers: tuple[ProverId, ...]
    until_ms: int  #: when the first of them forgets its key, since the epoch

    @property
    def operators(self) -> tuple[str, ...]:
        return tuple(sorted({prover.partition("/")[0] for prover in self.provers}))


class Sealing:
    """Seals requests. `program`: returns a registered program by its digest, or the beginning of it."""

    def __init__(
        self,
        connection: Connection,
        program: Callable[[str], Awaitable[RegisteredProgram]],
        *,
        clock: Clock | None = None,
    ) -> None:
        self._connection = connection
        self._program = program
        self._clock = clock or SystemClock()

    async def recipients(
        self, program_digest: str, *, constraints: Constraints = NO_CONSTRAINTS, subnetwork: str = ""
    ) -> list[Recipient]:
        """Return the connected provers that may have jobs of a program and can open what is sealed for them.

        Each operator's signature was checked here. Whoever runs the network names the provers, though: name the
        operators that you trust in the `constraints`. Raises CannotSeal when there is none.
        """
        registered = await self._program(program_digest)
        return await self._recipients(registered.digest, constraints, subnetwork)

    async def submit(
        self,
        program_digest: str,
        inputs: Sequence[object],
        *,
        files: Path | None = None,
        on_stage: OnStage | None = None,
        **terms: Unpack[Terms],
    ) -> SealedTask:
        """Do what `Client.submit` does, with inputs that only the provers read that get a job, of those that may.

        `files`: a folder with the program's files, such as `proofgrid program build --out` writes; what is missing is
        downloaded into it. Jobs go to the provers that are connected now, also when one of them fails; when none of
        them is left the task ends with NobodyOpens and is refunded. A sealed request has a day at most.
        Raises CannotSeal, which says why, and the errors of `Client.submit`.
        """
        report = on_stage or (lambda stage, permille: None)
        registered = await self._program(program_digest)
        program = program_from_json(registered.manifest)
        if program.digest != registered.digest:
            raise BadProof("the gateway described another program", field="program_digest")
        in_worker.sealing_system(program.proof_system, program)
        constraints = terms.get("constraints", NO_CONSTRAINTS)
        recipients = await self._recipients(program.digest, constraints, terms.get("subnetwork", ""))
        values: list[Json] = json.loads(inputs_json(inputs))
        with tempfile.TemporaryDirectory(prefix="proofgrid-seal-") as scratch:
            folder = files or Path(scratch) / "files"
            at_hand = await self._at_hand(program, folder, report)
            report("normalise", 500)
            normal = await _normalised(at_hand, values, Path(scratch))
        report("seal", 900)
        key = terms.get("idempotency_key") or fresh_bytes(16).hex()
        request = _message(program, terms, key)
        request.sealed.CopyFrom(write_sealed(await self._sealed(program, normal, recipients, key, len(values))))
        task = await self._connection.ask_in_turn(lambda services: services.client.Submit, request)
        return SealedTask(
            task=read(Task, task),
            provers=tuple(one.prover for one in recipients),
            until_ms=min(one.certificate.until_ms for one in recipients),
        )

    async def _recipients(self, digest: str, constraints: Constraints, subnetwork: str) -> list[Recipient]:
        request = sealing_pb2.ListRecipientsRequest(
            program_digest=digest, constraints=write_constraints(constraints), subnetwork=subnetwork
        )
        answer = await self._connection.ask(lambda services: services.sealing.ListRecipients, request)
        network, now_ms = await self._connection.network(), self._clock.now_ms()
        found = {}
        for message in answer.recipients:
            one = read_recipient(message)
            allowed, denied = constraints.allowed_operators, constraints.denied_operators
            if (allowed and one.operator not in allowed) or one.operator in denied:
                continue  # whatever the gateway says
            check_certificate(one.certificate, network=network, prover=one.prover, now_ms=now_ms)
            found[one.prover] = one
        if not found:
            raise CannotSeal(
                "no connected prover that may have the jobs has a key to seal for",
                field="constraints",
                hint="allow more operators, or wait for one of them; `proofgrid status` lists who is there",
            )
        return [found[name] for name in sorted(found)][:PROVERS_MAX]

    async def _at_hand(self, program: Program, folder: Path, report: OnStage) -> ProgramFiles:
        paths = await asyncio.to_thread(_found_in, folder)
        for place, digest in enumerate(sorted(set(program.files.values()))):
            report("download", 500 * place // len(program.files))
            if digest in paths:
                continue
            paths[digest] = folder / digest
            try:
                await download_file(self._connection, digest, paths[digest])
            except InvalidRequest as error:
                raise CannotSeal(
                    "inputs are normalised on your machine, which needs the program's files, and this gateway gives"
                    f" them to the program's owners only ({error.code})",
                    field="files",
                    hint="build the same program here: proofgrid program build MODEL --out FOLDER, then --files FOLDER",
                ) from None
        return ProgramFiles(program, {name: paths[digest] for name, digest in program.files.items()})

    async def _sealed(
        self,
        program: Program,
        normal: NormalisedRequest,
        recipients: Sequence[Recipient],
        key: str,
        inputs: int,
    ) -> SealedRequest:
        signer = self._connection.key
        if signer is None:
            raise InvalidField("a request needs a key", field="key", hint="proofgrid keys new")
        secret = fresh_bytes(SECRET_BYTES)
        context = SealContext(
            network=await self._connection.network(),
            client=signer.address,
            request=request_digest_of(key),
            program=program.digest,
        )
        jobs = tuple(
            SealedJob(
                locked=lock_input(secret, job.input, context, slice_index=job.slice_index, input_index=job.input_index),
                facts=job.facts,
            )
            for job in normal.jobs
        )
        return SealedRequest(
            statement=normal.statement,
            jobs=jobs,
            seals=seal_for(secret, recipients, context),
            commitment=commitment_to(secret),
            until_ms=min(one.certificate.until_ms for one in recipients),
            inputs=inputs,
        )


def _found_in(folder: Path) -> dict[Digest, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return {digest_of_file(path): path for path in folder.iterdir() if path.is_file()}


async def _normalised(files: ProgramFiles, inputs: list[Json], scratch: Path) -> NormalisedRequest:
    """Normalise a request in a process of its own, as a gateway would; raise what is wrong with the inputs."""
    program, workers = files.program, ProofWorkers(1)
    try:
        verdicts, _ = await workers.call(
            in_worker.normalise_many,
            program.proof_system,
            files,
            [inputs],
            scratch,
            False,
            timeout_seconds=NORMALISE_SECONDS,
            urgency=Urgency.ADMISSION,
        )
    finally:
        await workers.close()
    (normal,) = verdicts
    if not isinstance(normal, NormalisedRequest):
        raise normal
    sizes = [
        (index, spec.index, spec.units, spec.memory_bytes) for index in range(len(inputs)) for spec in program.slices
    ]
    if [(job.input_index, job.slice_index, job.units, job.memory_bytes) for job in normal.jobs] != sizes:
        raise CannotSeal("what a job takes depends on its input, and nobody who sells it can read that", field="inputs")
    return normal


def _message(program: Program, terms: Terms, key: str) -> messages.SubmitRequest:
    return messages.SubmitRequest(
        program_digest=program.digest,
        limit_price=terms.get("limit_price", 0),
        budget=terms.get("budget", 0),
        deadline_ms=terms.get("deadline_ms", 0),
        idempotency_key=key,
        hedging=terms.get("hedging", True),
        ladder=write_ladder(terms.get("ladder")),
        constraints=write_constraints(terms.get("constraints", NO_CONSTRAINTS)),
        subnetwork=terms.get("subnetwork", ""),
        tags=terms.get("tags", ()),
    )
