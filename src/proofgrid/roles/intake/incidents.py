"""What stopped settlement: administrators look, repair, and let it go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address
from proofgrid.primitives.plain_text import TextKind, check_text
from proofgrid.rules.access.rights import needs
from proofgrid.rules.access.roles import Caller, Role
from proofgrid.rules.incidents.post_mortem import Step, TellingLine, draft, timeline
from proofgrid.rules.incidents.telling import Change
from proofgrid.rules.jobs.limits import LIST_MAX
from proofgrid.store.database import Database
from proofgrid.store.incident_acts import undo
from proofgrid.store.incident_messages import message_of
from proofgrid.store.incidents import CLOSE_INCIDENT, GET_INCIDENT, LIST_INCIDENTS, LOCK_INCIDENT_TO_CLOSE, Incident
from proofgrid.store.tellings import CHANGES_OF_INCIDENT, NOTE_WHY_CLOSED, TELLINGS_OF_INCIDENT
from proofgrid.store.transactions import Transaction

WHY = TextKind(name="reason", chars_max=1_000, lines=True)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An incident with all that is known of it; `post_mortem`: a draft in Markdown."""

    incident: Incident
    steps: Sequence[Step]
    told: Sequence[TellingLine]
    post_mortem: str


class Incidents:
    """For administrators."""

    def __init__(self, database: Database, *, network: Address) -> None:
        self._database = database
        self._network = network

    @needs(Role.ADMIN)
    async def story(self, incident_id: int) -> Story:
        """Return an incident's timeline, who was told, and the draft of a post-mortem. Raises InvalidField."""
        incident = await self.get(incident_id)
        async with self._database.connection() as connection:
            changes = await connection.fetch(CHANGES_OF_INCIDENT, incident_id=incident_id)
            told = await connection.fetch(TELLINGS_OF_INCIDENT, incident_id=incident_id)
        latest = changes[-1].change if changes else Change.OPENED
        changed_ms = changes[-1].at_ms if changes else incident.opened_ms
        message = message_of(incident, network=self._network, change=latest, changed_ms=changed_ms)
        happened = [(one.change, one.at_ms, one.why) for one in changes]
        steps = timeline(message, happened, told, signal_ms=incident.signal_ms or incident.opened_ms)
        return Story(incident=incident, steps=steps, told=told, post_mortem=draft(message, steps))

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
            raise InvalidField("there is no such incident", field="incident_id", hint="proofgrid admin incident list")
        return incident

    @needs(Role.ADMIN, once=True)
    async def close(self, admin: Caller, incident_id: int, *, why: str = "") -> Incident:
        """End an incident; settlement goes on when none is open that stops it. `why`: in words, for its timeline.

        Raises InvalidField when there is none.
        """
        check_text(why, WHY, field="why")
        await self.get(incident_id)
        async with self._database.transaction(Transaction.CLOSE_INCIDENT) as connection:
            incident = await connection.first(LOCK_INCIDENT_TO_CLOSE, incident_id=incident_id)
            if incident is not None:  # closing twice closes once
                await undo(connection, incident, by=admin.address)
                await connection.fetch(CLOSE_INCIDENT, incident_id=incident_id, by=admin.address)
                if why:
                    await connection.run(NOTE_WHY_CLOSED, incident_id=incident_id, why=why)
        if incident is not None:
            log.warning("incident_closed", incident_id=incident_id, by=admin.address)
        return await self.get(incident_id)
