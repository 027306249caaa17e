"""Programs that tasks may ask for."""

from __future__ import annotations

from proofgrid.primitives.digests import Digest, digests_between
from proofgrid.primitives.errors import UnknownProgram
from proofgrid.rules.access.rights import ANYBODY, needs
from proofgrid.rules.jobs.limits import list_limit
from proofgrid.store.database import Database
from proofgrid.store.programs import GET_PROGRAM, LIST_PROGRAMS, PROGRAMS_BETWEEN, RegisteredProgram


class Programs:
    """What is registered, for anybody with an access role."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(*ANYBODY)
    async def get(self, digest: Digest) -> RegisteredProgram:
        """Return one program; raise UnknownProgram."""
        async with self._database.connection() as connection:
            program = await connection.first(GET_PROGRAM, digest=digest)
        if program is None:
            raise UnknownProgram(field="digest")
        return program

    @needs(*ANYBODY)
    async def list_all(self, *, limit: int, begins: str = "") -> list[RegisteredProgram]:
        """Return the newest programs, or those whose digest begins with these hex digits."""
        async with self._database.connection() as connection:
            if not begins:
                return await connection.fetch(LIST_PROGRAMS, limit=list_limit(limit))
            low, high = digests_between(begins, field="begins")
            return await connection.fetch(PROGRAMS_BETWEEN, low=low, high=high, limit=list_limit(limit))
