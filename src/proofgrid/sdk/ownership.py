"""What owners decide about their programs: who else may have them proven, and when they go.

async with Client("grpcs://gateway.example:7400", key) as client:
    program = await client.register_program({"model": Path("model.onnx")})  # private
    await client.ownership.share(program.digest, ["subnetwork:acme"])
    await client.ownership.delete(program.digest)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from proofgrid.sdk.answers.reading import read
from proofgrid.sdk.answers.work import DeletedProgram, Program
from proofgrid.sdk.connection import Connection
from proofgrid.wire.v1 import programs_pb2 as messages


class Ownership:
    """The calls of owners. Each may safely be made twice, and is while none answers.

    A digest may be the first digits of one, as everywhere. An audience is an address, `subnetwork:NAME` (its clients,
    in its lanes) or `*` (everybody).
    """

    def __init__(self, connection: Connection, whole_digest: Callable[[str], Awaitable[str]]) -> None:
        self._connection = connection
        self._whole_digest = whole_digest

    async def share(self, digest: str, audiences: Sequence[str]) -> Program:
        """Let others have a program proven; your source and proving keys stay with you and the provers."""
        request = messages.ShareProgramRequest(digest=await self._whole_digest(digest), audiences=audiences)
        return read(Program, await self._connection.ask(lambda services: services.programs.ShareProgram, request))

    async def unshare(self, digest: str, audiences: Sequence[str] = ()) -> Program:
        """Take that back, from everybody where nobody is named; tasks that are open go on."""
        request = messages.UnshareProgramRequest(digest=await self._whole_digest(digest), audiences=audiences)
        return read(Program, await self._connection.ask(lambda services: services.programs.UnshareProgram, request))

    async def delete(self, digest: str) -> DeletedProgram:
        """Own a program no more; raise InUse while tasks of it are open. Bundles still verify."""
        request = messages.DeleteProgramRequest(digest=await self._whole_digest(digest))
        answer = await self._connection.ask(lambda services: services.programs.DeleteProgram, request)
        return read(DeletedProgram, answer)
