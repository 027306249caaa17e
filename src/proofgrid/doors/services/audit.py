"""The audit log, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.audit import AuditHead, AuditLog
from proofgrid.store.audit import PlacedEntry
from proofgrid.wire.v1 import audit_pb2 as messages
from proofgrid.wire.v1 import audit_pb2_grpc as services


class AuditService(services.AuditServiceServicer):
    """What `AuditService` of proto/proofgrid/wire/v1/audit.proto promises."""

    def __init__(self, door: FrontDoor, log: AuditLog) -> None:
        self._door = door
        self._log = log

    @answering
    async def GetAuditHead(self, request: messages.GetAuditHeadRequest, context: CallContext) -> messages.AuditHead:  # noqa: N802
        await self._door.admit(context, self._log.head)
        return write_head(await self._log.head())

    @answering
    async def GetAuditConsistency(  # noqa: N802
        self, request: messages.GetAuditConsistencyRequest, context: CallContext
    ) -> messages.AuditConsistency:
        await self._door.admit(context, self._log.consistency)
        proof, head = await self._log.consistency(request.old_size)
        return messages.AuditConsistency(proof=proof, head=write_head(head))

    @answering
    async def GetAuditTile(self, request: messages.GetAuditTileRequest, context: CallContext) -> messages.AuditTile:  # noqa: N802
        await self._door.admit(context, self._log.tile)
        return messages.AuditTile(content=await self._log.tile(request.path))

    @answering
    async def ListAuditEntries(  # noqa: N802
        self, request: messages.ListAuditEntriesRequest, context: CallContext
    ) -> messages.ListAuditEntriesResponse:
        await self._door.admit(context, self._log.list_all)
        found = await self._log.list_all(
            limit=request.limit,
            before=request.before if request.HasField("before") else None,
            by=request.by,
            act=request.act,
            since_ms=request.since_ms,
            cursor=request.cursor,
        )
        return messages.ListAuditEntriesResponse(
            entries=[_write_entry(one) for one in found], next_cursor=found.next_cursor
        )

    @answering
    async def GetAuditEntry(  # noqa: N802
        self, request: messages.GetAuditEntryRequest, context: CallContext
    ) -> messages.ShownAuditEntry:
        await self._door.admit(context, self._log.get)
        shown = await self._log.get(request.position)
        return messages.ShownAuditEntry(entry=_write_entry(shown.entry), proof=shown.proof, head=write_head(shown.head))

    @answering
    async def GetAuditEntryTile(  # noqa: N802
        self, request: messages.GetAuditTileRequest, context: CallContext
    ) -> messages.AuditTile:
        await self._door.admit(context, self._log.entries_of)
        return messages.AuditTile(content=await self._log.entries_of(request.path))


def write_head(head: AuditHead) -> messages.AuditHead:
    return messages.AuditHead(note=head.note, verifier=head.verifier, statement=head.statement, keys=head.keys)


def _write_entry(entry: PlacedEntry) -> messages.AuditEntry:
    return messages.AuditEntry(position=entry.position, spelled=entry.spelled)
