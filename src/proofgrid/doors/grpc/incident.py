"""What stopped settlement: administrators look, repair, and let it go on."""

from __future__ import annotations

from typing import Any

import structlog

from proofgrid.doors.grpc.front_door import FrontDoor, answering
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.access.roles import Role
from proofgrid.store.database import Database
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.wire.v1 import incidents_pb2 as messages
from proofgrid.wire.v1 import incidents_pb2_grpc as services

LIST_MAX = 1_000

log = structlog.get_logger(__name__)


class IncidentService(services.IncidentServiceServicer):
    """What `IncidentService` of proto/proofgrid/wire/v1/incidents.proto promises."""

    def __init__(self, door: FrontDoor, database: Database) -> None:
        self._door = door
        self._database = database

    @answering
    async def ListIncidents(  # noqa: N802
        self, request: messages.ListIncidentsRequest, context: Any
    ) -> messages.ListIncidentsResponse:
        await self._door.admit(context, Role.ADMIN)
        limit = min(request.limit or LIST_MAX, LIST_MAX)
        async with self._database.connection() as connection:
            rows = await connection.fetch(QUERIES["list_incidents"], request.closed, limit)
        return messages.ListIncidentsResponse(incidents=[_incident(row) for row in rows])

    @answering
    async def GetIncident(self, request: messages.GetIncidentRequest, context: Any) -> messages.Incident:  # noqa: N802
        await self._door.admit(context, Role.ADMIN)
        return await self._get(request.incident_id)

    @answering
    async def CloseIncident(self, request: messages.CloseIncidentRequest, context: Any) -> messages.Incident:  # noqa: N802
        admin = await self._door.admit(context, Role.ADMIN)
        await self._get(request.incident_id)
        closed = await self._database.write(
            Transaction.CLOSE_INCIDENT, QUERIES["close_incident"], request.incident_id, admin.address
        )
        if closed:  # closing twice closes once
            log.warning("incident_closed", incident_id=request.incident_id, by=admin.address)
        return await self._get(request.incident_id)

    async def _get(self, incident_id: int) -> messages.Incident:
        if not 0 < incident_id < 2**63:
            raise InvalidField("a number from the list of incidents", field="incident_id")
        async with self._database.connection() as connection:
            row = await connection.fetchrow(QUERIES["get_incident"], incident_id)
        if row is None:
            raise InvalidField("there is no such incident", field="incident_id", hint="proofgrid admin incidents list")
        return _incident(row)


def _incident(row: Any) -> messages.Incident:
    return messages.Incident(
        incident_id=row["incident_id"],
        kind=row["kind"],
        subject=row["subject"],
        detail=row["detail"],
        opened_ms=row["opened_ms"],
        closed_ms=row["closed_ms"] or 0,
        closed_by=row["closed_by"],
    )
