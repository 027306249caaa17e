"""The gateway's programs: manifests from the database, files from the artifact store, kept at hand in a local cache."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import UnknownProgram
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.manifest import program_from_json
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Database
from proofgrid.store.programs import GET_PROGRAM

PROGRAMS_KEPT_MAX = 1_024


class ProgramLibrary:
    """Programs by digest. A program never changes, so what was read once stays right."""

    def __init__(self, database: Database, artifacts: ArtifactStore, cache: LocalCache) -> None:
        self._database = database
        self._artifacts = artifacts
        self._cache = cache
        self._programs: dict[Digest, Program] = {}

    async def program(self, digest: Digest) -> Program:
        """Return a registered program; raise UnknownProgram when there is none of this digest."""
        found = self._programs.get(digest)
        if found is None:
            async with self._database.connection() as connection:
                registered = await connection.first(GET_PROGRAM, digest=digest)
            if registered is None:
                raise UnknownProgram(
                    f"no program {digest} is registered", field="program_digest", hint="register it first"
                )
            found = program_from_json(registered.manifest)
            if len(self._programs) >= PROGRAMS_KEPT_MAX:
                self._programs.pop(next(iter(self._programs)))
            self._programs[digest] = found
        return found

    @asynccontextmanager
    async def at_hand(self, program: Program, names: Iterable[str] | None = None) -> AsyncIterator[ProgramFiles]:
        """Hold files of a program in the local cache (all of them, or those of these names)."""
        async with AsyncExitStack() as stack:
            paths: dict[str, Path] = {}
            for name in program.files if names is None else names:
                digest = program.files[name]
                paths[name] = await stack.enter_async_context(
                    self._cache.pinned(digest, partial(self._artifacts.fetch_to, digest))
                )
            yield ProgramFiles(program, paths)
