"""What stopped settlement, over gRPC."""

from __future__ import annotations

from proofgrid.doors.services.front_door import CallContext, FrontDoor, answering
from proofgrid.roles.intake.incidents import Incidents
from proofgrid.store.incidents import Incident
from proofgrid.wire.v1 import incidents_pb2 as messages
from proofgrid.wire.v1 import incidents_pb2_grpc as services


class IncidentService(services.IncidentServiceServicer):
    """What `IncidentService` of proto/proofgrid/wire/v1/incidents.proto promises."""

    def __init__(self, door: FrontDoor, incidents: Incidents) -> None:
        self._door = door
        self._incidents = incidents

    @answering
    async def ListIncidents(  # noqa: N802
        self, request: messages.ListIncidentsRequest, context: CallContext
    ) -> messages.ListIncidentsResponse:
        await self._door.admit(context, self._incidents.list_all)
        found = await self._incidents.list_all(limit=request.limit, closed=request.closed)
        return messages.ListIncidentsResponse(incidents=[write_incident(one) for one in found])

    @answering
    async def GetIncident(self, request: messages.GetIncidentRequest, context: CallContext) -> messages.Incident:  # noqa: N802
        await self._door.admit(context, self._incidents.get)
        return write_incident(await self._incidents.get(request.incident_id))

    @answering
    async def CloseIncident(self, request: messages.CloseIncidentRequest, context: CallContext) -> messages.Incident:  # noqa: N802
        caller = await self._door.admit(context, self._incidents.close)
        return write_incident(await self._incidents.close(caller, request.incident_id, why=request.why))

    @answering
    async def GetPostMortem(self, request: messages.GetIncidentRequest, context: CallContext) -> messages.PostMortem:  # noqa: N802
        await self._door.admit(context, self._incidents.story)
        story = await self._incidents.story(request.incident_id)
        return messages.PostMortem(
            incident_id=story.incident.incident_id,
            draft=story.post_mortem,
            steps=[
                messages.IncidentStep(at_ms=one.at_ms, what=one.what, by=one.by, said=one.said) for one in story.steps
            ],
        )


def write_incident(incident: Incident) -> messages.Incident:
    return messages.Incident(
        incident_id=incident.incident_id,
        kind=incident.kind,
        subject=incident.subject,
        detail=incident.detail,
        opened_ms=incident.opened_ms,
        closed_ms=incident.closed_ms or 0,
        closed_by=incident.closed_by,
        stops_settlement=incident.stops_settlement,
        acted_ms=incident.acted_ms or 0,
        acted=incident.acted,
        until_ms=incident.until_ms or 0,
        ends=incident.row.ends.value,
        severity=incident.row.severity.value,
        runbook=incident.row.runbook,
    )
