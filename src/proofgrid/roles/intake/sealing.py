"""Sealed requests at a gateway: whom a client can seal for, and what the gateway keeps of what it cannot read."""

from __future__ import annotations

import base64

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.sealing_errors import CannotSeal
from proofgrid.proofs.base import JobDraft, NormalisedRequest, Program
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.registry import systems_of
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.programs import KnownPrograms
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.access.subnetworks import DEFAULT, parse_subnetwork
from proofgrid.rules.jobs.confinement import told_confinement
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.jobs.request import ProofRequest
from proofgrid.rules.jobs.sealing import (
    HOUR_MS,
    Certificate,
    Recipient,
    SealedRequest,
    check_jobs,
    request_digest_of,
)
from proofgrid.store.database import Database
from proofgrid.store.lanes import GATEWAY_SILENT_MS
from proofgrid.store.sealing import SEALING_PROVERS, SealingProver
from proofgrid.store.subnetworks import check_client

LISTED_MAX = 1_024
LIFE_MS = 2 * HOUR_MS  #: a key that is forgotten sooner is of little use: a request has an hour by default


class Recipients:
    """Lists provers by program and constraints."""

    def __init__(
        self, database: Database, library: ProgramLibrary, programs: KnownPrograms, engines: KnownEngines, *, home: str
    ) -> None:
        """`home`: the subnetwork of who names none."""
        self._database = database
        self._library = library
        self._programs = programs
        self._engines = engines
        self._home = home

    @needs(Role.CLIENT)
    async def list_for(
        self, caller: Caller, program_digest: Digest, constraints: Constraints, subnetwork: str
    ) -> list[Recipient]:
        """Return the connected provers that a request of the program may be sealed for.

        Raises UnknownProgram, NotAllowed, CannotSeal, and what the subnetwork's list says.
        """
        if subnetwork:
            parse_subnetwork(subnetwork)
        name = subnetwork or self._home
        await self._programs.check_may_use(caller.address, program_digest, subnetwork=name)
        program = await self._library.program(program_digest)
        engine = (await self._engines.of(program))[the_system_of(program)]
        async with self._database.connection() as connection:
            if name != DEFAULT:
                await check_client(connection, name, client=caller.address, proof_systems={program.proof_system})
            rows = await connection.fetch(
                SEALING_PROVERS,
                engine=engine,
                subnetwork=name,
                gateway_silent_ms=GATEWAY_SILENT_MS,
                life_ms=LIFE_MS,
                limit=LISTED_MAX,
            )
        return [_recipient(row) for row in rows if _is_accepted(row, constraints)]


def the_system_of(program: Program) -> str:
    """Return the one system that proves a program; raise CannotSeal where there are several."""
    systems = set(systems_of(program))
    if len(systems) > 1:
        raise CannotSeal(
            "values pass between the systems of this program by way of the gateway, which cannot read them sealed",
            field="program_digest",
            hint="seal requests of its programs one by one",
        )
    return systems.pop()


def told_request(program: Program, sealed: SealedRequest) -> NormalisedRequest:
    """Return a sealed request as its client normalised it, with jobs as large as the program says."""
    check_jobs(sealed, slices=len(program.slices))
    places = [(index, spec) for index in range(sealed.inputs) for spec in program.slices]
    jobs = tuple(
        JobDraft(
            slice_index=spec.index,
            input_index=index,
            units=spec.units,
            memory_bytes=spec.memory_bytes,
            depends_on=(),
            input=job.locked,
            facts=job.facts,
        )
        for (index, spec), job in zip(places, sealed.jobs, strict=True)
    )
    return NormalisedRequest(statement=sealed.statement, jobs=jobs)


def seal_row(request: ProofRequest, sealed: SealedRequest) -> dict[str, Json]:
    """Return what provers open a request's inputs with, as its task keeps it; no more than its client sent."""
    return {
        "request": request_digest_of(request.idempotency_key),
        "commitment": sealed.commitment,
        "seals": {
            one.prover: {"key_id": one.key_id, "sealed": base64.b64encode(one.sealed).decode()} for one in sealed.seals
        },
    }


def _is_accepted(row: SealingProver, constraints: Constraints) -> bool:
    return constraints.accepts(
        operator=row.operator,
        region=row.region,
        stake=row.stake,
        confinement=told_confinement(row.confinement),
        prover=row.prover_id,
    )


def _recipient(row: SealingProver) -> Recipient:
    certificate = Certificate(key=row.key, until_ms=row.until_ms, signature=row.signature)
    return Recipient(prover=row.prover_id, certificate=certificate)
