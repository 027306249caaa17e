"""What stopped settlement: administrators look, repair, and let it go on."""

from __future__ import annotations

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.store.database import Database
from proofgrid.store.incident_acts import undo
from proofgrid.store.incidents import CLOSE_INCIDENT, GET_INCIDENT, LIST_INCIDENTS, LOCK_INCIDENT_TO_CLOSE, Incident
from proofgrid.store.transactions import Transaction

log = structlog.get_logger(__name__)


class Incidents:
    """For administrators."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @needs(Role.ADMIN)
    async def list_all(self, *, limit: int, closed: bool) -> list[Incident]:
        """Return the newest incidents, those that are closed only when `closed`; 0 asks for as many as there may be."""
        async with self._database.connection() as connection:
            return await connection.fetch(LIST_INCIDENTS, closed=closed, limit=min(limit or LIST_MAX, LIST_MAX))

    @needs(Role.ADMIN)
    async def get(self, incident_id: int) -> Incident:
        """Return one incident; raise InvalidField when there is none."""
        if not 0 < incident_id < 2**63:
            raise InvalidField("a number from the list of incidents", field="incident_id")
        async with self._database.connection() as connection:
            incident = await connection.first(GET_INCIDENT, incident_id=incident_id)
        if incident is None:
            raise InvalidField("there is no such incident", field="incident_id", hint="proofgrid admin incidents list")
        return incident

    @needs(Role.ADMIN, once=True)
    async def close(self, admin: Caller, incident_id: int) -> Incident:
        """Let settlement go on, if this was the last one that is open; raise InvalidField when there is none."""
        await self.get(incident_id)
        async with self._database.transaction(Transaction.CLOSE_INCIDENT) as connection:
            incident = await connection.first(LOCK_INCIDENT_TO_CLOSE, incident_id=incident_id)
            if incident is not None:  # closing twice closes once
                await undo(connection, incident, by=admin.address)
                await connection.fetch(CLOSE_INCIDENT, incident_id=incident_id, by=admin.address)
        if incident is not None:
            log.warning("incident_closed", incident_id=incident_id, by=admin.address)
        return await self.get(incident_id)
