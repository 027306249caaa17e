"""The acts of incidents that are deeds: done once, in the transaction that says so, undone in the one that closes it.

Of all other kinds the open incident is the act (rules/incidents/lifecycle.py): who obeys it reads the row.
"""

from __future__ import annotations

from proofgrid.primitives.ids import Address
from proofgrid.rules.access.roles import Role
from proofgrid.rules.identity.key_list import Purpose
from proofgrid.rules.incidents.kinds import Act, Ends
from proofgrid.rules.incidents.lifecycle import IncidentState
from proofgrid.rules.reputation.standing import PAUSED
from proofgrid.store.access import REVOKE_ROLE
from proofgrid.store.connection import Connection
from proofgrid.store.database import Database
from proofgrid.store.engines import STOP_ENGINE
from proofgrid.store.incidents import CLOSE_INCIDENT, LOCK_INCIDENT, NOTE_ACTED, Incident
from proofgrid.store.reputation import TELL_PROVERS
from proofgrid.store.sessions import (
    CHANGE_OPERATOR,
    END_SESSIONS_OF_OPERATOR,
    KEEP_PROVERS_OF_OPERATOR,
    WAKE_EXPIRY,
)
from proofgrid.store.signals import (
    BUNDLES_OF_ENGINE,
    END_ALL_STREAMS,
    LIFT_QUARANTINE,
    NOTE_FACTS,
    QUARANTINE,
    RESUME_WHAT_INCIDENT_STOPPED,
    REVOKE_ALL_KEYS,
)
from proofgrid.store.transactions import Transaction

BUNDLES_MAX = 500  #: that are listed on the incident
NETWORK = "network"  #: who acts, where nobody asked


async def act_on(database: Database, incident_id: int) -> Incident | None:
    """Do what is to be done about an incident; None: somebody else did, or does."""
    async with database.transaction(Transaction.ACT_ON_INCIDENT) as connection:
        incident = await connection.first(LOCK_INCIDENT, incident_id=incident_id)
        if incident is None or incident.state is not IncidentState.OPENED:
            return None
        acted = await _do(connection, incident)
        await connection.run(NOTE_ACTED, incident_id=incident_id, acted=acted)
    return incident


async def undo(connection: Connection, incident: Incident, *, by: str) -> None:
    """Take back what was done, in the transaction that closes the incident."""
    if incident.state is not IncidentState.STANDING:
        return
    match incident.row.act:
        case Act.QUARANTINE:
            await connection.fetch(LIFT_QUARANTINE, operator=incident.subject, until_ms=incident.until_ms or 0)
        case Act.STOP_ENGINE:
            await connection.fetch(RESUME_WHAT_INCIDENT_STOPPED, engine=incident.subject, by=by)


async def end_by_itself(database: Database, incident_id: int) -> bool:
    """Close an incident whose time is over or whose signal is gone; False: somebody else did, or does."""
    async with database.transaction(Transaction.END_INCIDENT) as connection:
        incident = await connection.first(LOCK_INCIDENT, incident_id=incident_id)
        if incident is None or incident.row.ends is Ends.BY_HAND:
            return False
        await undo(connection, incident, by=NETWORK)
        return bool(await connection.fetch(CLOSE_INCIDENT, incident_id=incident_id, by=NETWORK))


async def _do(connection: Connection, incident: Incident) -> str:
    """Return what was done, in words."""
    match incident.row.act:
        case Act.QUARANTINE:
            return await _quarantine(connection, incident)
        case Act.STOP_ENGINE:
            return await _stop_engine(connection, incident)
        case Act.END_CREDENTIALS:
            return await _end_credentials(connection, incident)
    return incident.row.does


async def _quarantine(connection: Connection, incident: Incident) -> str:
    why = f"incident {incident.incident_id}: {incident.detail}"[:160]
    operator = incident.subject
    provers = await connection.fetch(QUARANTINE, operator=operator, until_ms=incident.until_ms or 0, why=why)
    names = sorted(provers)
    detail = f"no work until the quarantine of operator {operator} ends, then one job at a time: {why}"
    await connection.fetch(TELL_PROVERS, names=names, codes=[PAUSED] * len(names), details=[detail] * len(names))
    return f"nothing is sold to {len(names)} provers, nor to new ones, of {operator}"


async def _stop_engine(connection: Connection, incident: Incident) -> str:
    engine = incident.subject
    reason = f"incident {incident.incident_id}: {incident.detail}"[:500]
    await connection.fetch(STOP_ENGINE, engine=engine, reason=reason, by=NETWORK)
    first = incident.facts.get("first_ms")
    since_ms = int(first) if isinstance(first, int) else incident.signal_ms
    made = await connection.fetch(BUNDLES_OF_ENGINE, engine=engine, since_ms=since_ms - 60_000, limit=BUNDLES_MAX)
    listed = [{"task": one.task_id, "bundle": one.bundle_digest} for one in made]
    await connection.run(NOTE_FACTS, incident_id=incident.incident_id, facts={"distrust": listed})
    return f"{engine} was stopped, its open tasks are refunded; {len(listed)} bundles made since are listed"


async def _end_credentials(connection: Connection, incident: Incident) -> str:
    """Take all that a key may do: its roles, API keys, and as an operator its sessions and leases.

    Of one that certified provers: all streams end, and come back with certificates of another.
    """
    address = Address(incident.subject)
    for role in Role:
        await connection.run(REVOKE_ROLE, address=address, role=role.value)
    await connection.run(KEEP_PROVERS_OF_OPERATOR, operator=address)
    await connection.run(CHANGE_OPERATOR, operator=address)
    streams = len(await connection.fetch(END_SESSIONS_OF_OPERATOR, operator=address))
    await connection.run(WAKE_EXPIRY)
    revoked = await connection.fetch(REVOKE_ALL_KEYS, owner=address)
    purposes = incident.facts.get("purposes")
    if isinstance(purposes, list) and Purpose.CERTIFICATES in purposes:
        streams += len(await connection.fetch(END_ALL_STREAMS))
    return f"all roles of {address} were taken; {streams} streams and {len(revoked)} API keys ended"
