"""What owners decide about their programs, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.answers import write_program
from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.primitives.digests import parse_digest
from proofgrid.roles.intake.ownership import Ownership
from proofgrid.wire.v1 import client_pb2 as common
from proofgrid.wire.v1 import programs_pb2 as messages
from proofgrid.wire.v1 import programs_pb2_grpc as services


class ProgramService(services.ProgramServiceServicer):
    """What `ProgramService` of proto/proofgrid/wire/v1/programs.proto promises."""

    def __init__(self, door: FrontDoor, ownership: Ownership) -> None:
        self._door = door
        self._ownership = ownership

    @answering
    async def ShareProgram(  # noqa: N802
        self, request: messages.ShareProgramRequest, context: CallContext
    ) -> common.Program:
        caller = await self._door.admit(context, self._ownership.share)
        program = await self._ownership.share(caller, parse_digest(request.digest), request.audiences)
        return write_program(program)

    @answering
    async def UnshareProgram(  # noqa: N802
        self, request: messages.UnshareProgramRequest, context: CallContext
    ) -> common.Program:
        caller = await self._door.admit(context, self._ownership.unshare)
        program = await self._ownership.unshare(caller, parse_digest(request.digest), request.audiences)
        return write_program(program)

    @answering
    async def DeleteProgram(  # noqa: N802
        self, request: messages.DeleteProgramRequest, context: CallContext
    ) -> messages.DeleteProgramResponse:
        caller = await self._door.admit(context, self._ownership.delete)
        deleted = await self._ownership.delete(caller, parse_digest(request.digest))
        return messages.DeleteProgramResponse(
            was_yours=deleted.was_own,
            has_other_owners=deleted.has_other_owners,
            released_bytes=deleted.files.released_bytes,
            kept_bytes=deleted.files.kept_bytes,
        )
