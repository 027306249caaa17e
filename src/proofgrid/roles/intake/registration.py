"""From an uploaded model to a registered program: built in a worker, stored file by file, named by its content."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from proofgrid.primitives.canonical import Json
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField, InvalidProgram, Recoverable, TooManyOpen, UnknownArtifact
from proofgrid.primitives.ids import Address, Engine
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs import workers as in_worker
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.manifest import program_from_json, program_to_json
from proofgrid.proofs.registry import engine_here, proof_system
from proofgrid.proofs.setup import TrustRoots
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.intake.known_engines import KnownEngines
from proofgrid.roles.intake.reservations import Reservations, unless_whole
from proofgrid.rules.access.api_keys import Scope
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Role
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.database import Database
from proofgrid.store.engines import INSERT_PROGRAM_ENGINES
from proofgrid.store.programs import (
    FORGET_OTHER_PROGRAM_FILES,
    GET_PROGRAM,
    INSERT_PROGRAM,
    INSERT_PROGRAM_FILES,
    OWN_PROGRAM_FILES,
    ProgramFile,
)
from proofgrid.store.reservations import CHARGED_ALREADY
from proofgrid.store.stored_artifacts import MAY_READ_ARTIFACT
from proofgrid.store.transactions import Transaction

BUILD_TIMEOUT_SECONDS = 1_800.0
BUILDS_AT_ONCE = 2  #: one less than there are processes for long work
BUILDS_OF_OWNER_MAX = 8  #: waiting, or going on
SOURCE_FILES_MAX = 256
PROGRESS_SECONDS = 0.25

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Owner:
    """Whose builds wait, or go on."""

    builds: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Registration:
    """Builds programs, one of an owner at a time, and two in all: a build may use every core, and take half an hour."""

    def __init__(
        self,
        database: Database,
        artifacts: ArtifactStore,
        workers: ProofWorkers,
        reservations: Reservations,
        *,
        trust: TrustRoots,
        scratch: Path,
        publish: Callable[[], Awaitable[None]],
        engines: KnownEngines,
    ) -> None:
        """`publish` stores files of trust roots that a build has made, so that clients can build the same."""
        self._database = database
        self._artifacts = artifacts
        self._workers = workers
        self._reservations = reservations
        self._trust = trust
        self._scratch = scratch
        self._publish = publish
        self._engines = engines
        self._turn = asyncio.Semaphore(BUILDS_AT_ONCE)
        self._owners: dict[Address, _Owner] = {}

    @needs(Role.CLIENT, Role.ADMIN, once=True, scopes=(Scope.PROGRAMS_WRITE,))
    async def register(
        self, owner: Address, system: str, source: Mapping[str, Digest], settings: Mapping[str, Json], label: str
    ) -> AsyncIterator[tuple[str, int] | Digest]:
        """Yield progress as (stage, share in 1/1000), then the program's digest.

        Raises InvalidRequest errors; what was built and refused leaves nothing behind.
        """
        proof_system(system)  # an unknown one is refused before anything is fetched
        if not 1 <= len(source) <= SOURCE_FILES_MAX:
            raise InvalidField(f"1 to {SOURCE_FILES_MAX} files", field="source")
        if len(label) > 128:
            raise InvalidField("at most 128 characters", field="label")
        await self._engines.check_runs(engine_here(system), field="proof_system")
        await self._check_readable(owner, source)
        await self._reservations.check(owner, 1)  # before an hour's work that could not be stored
        if self._turn.locked() or owner in self._owners:
            yield ("wait for another build", 0)
        async with self._in_turn(owner):
            with tempfile.TemporaryDirectory(dir=self._scratch) as workdir:
                async for step in self._build_and_store(owner, system, source, settings, label, Path(workdir)):
                    yield step

    def builds_of(self, owner: Address) -> int:
        """Return how many builds of an owner wait here, or go on."""
        own = self._owners.get(owner)
        return 0 if own is None else own.builds

    @asynccontextmanager
    async def _in_turn(self, owner: Address) -> AsyncIterator[None]:
        """Wait for a place. Each owner has one in the line of all, so turns go round. Raises TooManyOpen."""
        own = self._owners.setdefault(owner, _Owner())
        if own.builds >= BUILDS_OF_OWNER_MAX:
            raise TooManyOpen(f"{own.builds} builds of yours wait", hint="wait for one of them to end")
        own.builds += 1
        try:
            async with own.turn, self._turn:
                yield
        finally:
            own.builds -= 1
            if not own.builds:
                del self._owners[owner]

    async def _build_and_store(
        self,
        owner: Address,
        system: str,
        source: Mapping[str, Digest],
        settings: Mapping[str, Json],
        label: str,
        workdir: Path,
    ) -> AsyncIterator[tuple[str, int] | Digest]:
        paths = await self._fetch_source(source, workdir)
        building = asyncio.ensure_future(self._build(owner, system, paths, settings, workdir))
        try:
            async for step in in_worker.progress_of(building, workdir, every_seconds=PROGRESS_SECONDS):
                yield step
        finally:
            building.cancel()  # no-op when it is done; a client that hangs up stops its build
        files = building.result()
        yield ("store", 900)
        await self._publish()
        await self._store(owner, files, label)
        log.info("program_registered", digest=files.program.digest, owner=owner, slices=len(files.program.slices))
        yield files.program.digest

    async def _build(
        self, owner: Address, system: str, paths: Mapping[str, Path], settings: Mapping[str, Json], workdir: Path
    ) -> ProgramFiles:
        try:
            return await self._workers.call(
                in_worker.build_program,
                system,
                paths,
                settings,
                self._trust,
                workdir,
                timeout_seconds=BUILD_TIMEOUT_SECONDS,
                urgency=Urgency.BUILDING,
                client=owner,
                folder=workdir,
            )
        except Recoverable as error:
            log.warning("build_failed", proof_system=system, detail=error.detail)
            raise InvalidProgram(
                f"the proof system failed on this program: {without_last_words(error.detail)}",
                field="source",
                hint="it may be too large for the gateway's machine; cut it into more slices, or make it smaller",
            ) from error

    async def _check_readable(self, owner: Address, source: Mapping[str, Digest]) -> None:
        async with self._database.connection() as connection:
            for name, digest in source.items():
                if not await connection.value(MAY_READ_ARTIFACT, digest=digest, reader=owner):
                    raise UnknownArtifact(field=f"source[{name}]", hint="upload the file first")

    async def _fetch_source(self, source: Mapping[str, Digest], workdir: Path) -> dict[str, Path]:
        paths = {}
        for index, (name, digest) in enumerate(sorted(source.items())):
            paths[name] = workdir / f"source-{index}"
            await self._artifacts.fetch_to(digest, paths[name])
        return paths

    async def _store(self, owner: Address, files: ProgramFiles, label: str) -> None:
        """Store and write down a program; its files count for its owner. Raises TooLarge where they do not fit."""
        program = files.program
        engines = self._engines.built_by(program)
        await self._engines.check_runs(*engines, field="source")
        sizes = {digest: files.path(name).stat().st_size for name, digest in program.files.items()}
        async with self._database.connection() as connection:
            charged = set(await connection.fetch(CHARGED_ALREADY, digests=list(sizes), owner=owner))
        size_bytes = sum(size for digest, size in sizes.items() if digest not in charged)
        async with self._reservations.reserved(owner, size_bytes):
            await unless_whole(self._keep(owner, files, sizes, label, engines), lambda: True)

    async def _keep(
        self,
        owner: Address,
        files: ProgramFiles,
        sizes: Mapping[Digest, int],
        label: str,
        engines: Sequence[Engine],
    ) -> None:
        for name, digest in files.program.files.items():
            await self._artifacts.put_file(files.path(name), expected=digest)
        await write_program(self._database, files.program, sizes, owner=owner, label=label, engines=engines)


async def write_program(
    database: Database,
    program: Program,
    sizes: Mapping[Digest, int],
    *,
    owner: Address,
    label: str,
    engines: Sequence[Engine] = (),
) -> None:
    """Write down that a program was registered, and whose it and its files are.

    `sizes`: of its files, in bytes; `engines`: that built it.
    """
    async with database.transaction(Transaction.REGISTER_PROGRAM) as connection:
        await connection.run(
            INSERT_PROGRAM,
            digest=program.digest,
            proof_system=program.proof_system,
            owner=owner,
            label=label,
            manifest=program_to_json(program),
            slices=len(program.slices),
            units=sum(spec.units for spec in program.slices),
        )
        await connection.run(INSERT_PROGRAM_ENGINES, program_digest=program.digest, engines=list(engines))
        # Who registered the same content before may have another build of it, and that one is kept.
        kept = program_from_json((await connection.value(GET_PROGRAM, digest=program.digest)).manifest)
        digests = list(kept.files.values())
        await connection.run(FORGET_OTHER_PROGRAM_FILES, program_digest=program.digest, files=digests)
        await connection.run(INSERT_PROGRAM_FILES, program_digest=program.digest, files=files_of(kept))
        await connection.run(
            OWN_PROGRAM_FILES,
            program_digest=program.digest,
            owner=owner,
            digests=list(sizes),
            sizes=list(sizes.values()),
        )


def files_of(program: Program) -> list[ProgramFile]:
    """Return the files of a program, each once, with who needs it."""
    specs = (*program.slices, *program.wraps)
    names: dict[Digest, set[str]] = defaultdict(set)
    for name, digest in program.files.items():
        names[digest].add(name)
    return [
        ProgramFile(
            digest=digest,
            slices=[spec.index for spec in specs if not called.isdisjoint(spec.files)],
            is_for_verifiers=not called.isdisjoint(program.verifying_files),
        )
        for digest, called in names.items()
    ]
