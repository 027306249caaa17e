"""What signals are counted of, and the rows that acts of incidents change (rules/incidents/kinds.py)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from proofgrid.primitives.ids import Address, Engine, LeaseId, ProverId
from proofgrid.primitives.incident_errors import AdministrationStopped
from proofgrid.rules.jobs.retry import ReturnReason
from proofgrid.store.connection import Connection
from proofgrid.store.queries import query
from proofgrid.telemetry.acting import current_act


@dataclass(frozen=True, slots=True)
class CountedLies:
    """As `rules.incidents.signals.LiesOfOperator` has it."""

    operator: Address
    invalid: int
    false: int
    equivocations: int
    results: int
    first_ms: int


@dataclass(frozen=True, slots=True)
class CountedByEngine:
    """As `rules.incidents.signals.LiesOfEngine` has it."""

    engine: Engine
    liars: tuple[Address, ...]
    first_ms: int
    operators: tuple[Address, ...] | None


@dataclass(frozen=True, slots=True)
class SilentRegion:
    """A region of which nobody is heard."""

    region: str
    provers: int
    operators: int
    heard_ms: int  #: when somebody was heard last


@dataclass(frozen=True, slots=True)
class BlockedAddress:
    """From where no strangers are looked at, for so long."""

    host: str
    left_ms: int


@dataclass(frozen=True, slots=True)
class MadeBundle:
    """A finished task and its bundle."""

    task_id: str
    bundle_digest: str


NOTE_LIE = query("note_lie", None)
LIES_OF_OPERATORS = query("lies_of_operators", CountedLies)
LIES_OF_ENGINES = query("lies_of_engines", CountedByEngine)
FORGET_LIES = query("forget_lies", None)
SILENT_REGIONS = query("silent_regions", SilentRegion)
STALE_INCIDENTS = query("stale_incidents", int)
INCIDENTS_TO_ACT = query("incidents_to_act", int)
BLOCKED_ADDRESSES = query("blocked_addresses", BlockedAddress)
ADMINISTRATION_IS_STOPPED = query("administration_is_stopped", bool)
QUARANTINE = query("quarantine", ProverId)
LIFT_QUARANTINE = query("lift_quarantine", ProverId)
BUNDLES_OF_ENGINE = query("bundles_of_engine", MadeBundle)
NOTE_FACTS = query("note_facts", None)
RESUME_WHAT_INCIDENT_STOPPED = query("resume_what_incident_stopped", int)
REVOKE_ALL_KEYS = query("revoke_all_keys", str)
END_ALL_STREAMS = query("end_all_streams", UUID)
OTHER_GATEWAYS = query("other_gateways", int)

#: Which ends of leases say that a gateway looked and found a lie.
LIES: dict[ReturnReason, str] = {
    ReturnReason.BAD_PROOF: "invalid",
    ReturnReason.FALSE_EXCUSE: "false",
    ReturnReason.REFUTED: "false",
}


async def check_administration(connection: Connection) -> None:
    """Raise AdministrationStopped for what somebody asked for, while the audit log does not match its checkpoints."""
    if current_act() is not None and await connection.value(ADMINISTRATION_IS_STOPPED):
        raise AdministrationStopped(
            "the audit log does not match its checkpoints, so nothing is administered",
            hint="proofgrid admin incident list",
        )


async def note_lie(connection: Connection, lease_id: LeaseId, reason: ReturnReason) -> None:
    """Write a lie down, in the transaction that ends its lease; does nothing for what is none."""
    if reason in LIES:
        await connection.run(NOTE_LIE, lease_id=lease_id, kind=LIES[reason])
