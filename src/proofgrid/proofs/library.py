"""The gateway's programs: manifests from the database, files from the artifact store, kept at hand in a local cache."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import UnknownProgram
from proofgrid.primitives.turns import Urgency
from proofgrid.proofs.base import Program, ProgramFiles
from proofgrid.proofs.manifest import program_from_json
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Database
from proofgrid.store.programs import GET_PROGRAM

PROGRAMS_KEPT_MAX = 1_024
HOLDS_SECONDS = 60.0  #: a program that was deleted and registered again may have other files than before


class ProgramLibrary:
    """Programs by digest, held for a while: what a program is never changes, and its files only when it was deleted."""

    def __init__(self, database: Database, artifacts: ArtifactStore, cache: LocalCache) -> None:
        self._database = database
        self._artifacts = artifacts
        self._cache = cache
        self._programs: dict[Digest, tuple[Program, float]] = {}  #: and when it was read, by the loop's clock
        self._files: dict[tuple[int, tuple[str, ...]], ProgramFiles] = {}

    async def program(self, digest: Digest) -> Program:
        """Return a registered program; raise UnknownProgram when there is none of this digest."""
        now_seconds = asyncio.get_running_loop().time()
        known, read_seconds = self._programs.get(digest, (None, 0.0))
        if known is not None and now_seconds - read_seconds < HOLDS_SECONDS:
            return known
        return await self._read(digest, known, now_seconds)

    async def _read(self, digest: Digest, known: Program | None, now_seconds: float) -> Program:
        """Return the program as it is written down, the `known` one where it is that."""
        async with self._database.connection(Urgency.ADMISSION) as connection:
            registered = await connection.first(GET_PROGRAM, digest=digest)
        if registered is None:
            raise UnknownProgram(f"no program {digest} is registered", field="program_digest", hint="register it first")
        found = program_from_json(registered.manifest)
        if found == known:
            found = known
        self._programs.pop(digest, None)
        if len(self._programs) >= PROGRAMS_KEPT_MAX:
            self._programs.pop(next(iter(self._programs)))
        self._programs[digest] = found, now_seconds
        return found

    @asynccontextmanager
    async def at_hand(self, program: Program, names: Iterable[str] | None = None) -> AsyncIterator[ProgramFiles]:
        """Hold files of a program in the local cache (all of them, or those of these names).

        As long as they lie where they lay, the same value comes again: workers are sent it once.
        """
        names = tuple(program.files if names is None else names)
        async with AsyncExitStack() as stack:
            paths: dict[str, Path] = {}
            for name in names:
                digest = program.files[name]
                paths[name] = await stack.enter_async_context(
                    self._cache.pinned(digest, partial(self._artifacts.fetch_to, digest))
                )
            yield self._same(ProgramFiles(program, paths), names)

    def _same(self, files: ProgramFiles, names: tuple[str, ...]) -> ProgramFiles:
        """Return the value that was made of these files before, if any."""
        key = id(files.program), names
        known = self._files.get(key)
        if known is not None and known.program is files.program and known.paths == files.paths:
            return known
        if len(self._files) >= PROGRAMS_KEPT_MAX:
            self._files.pop(next(iter(self._files)))
        self._files[key] = files
        return files
