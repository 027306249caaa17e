"""All use cases of a gateway together: what every door, whatever protocol it speaks, offers to those who call."""

from __future__ import annotations

from dataclasses import dataclass

from proofgrid.roles.intake.access_list import AccessList
from proofgrid.roles.intake.accounts import Accounts
from proofgrid.roles.intake.api_keys import ApiKeys
from proofgrid.roles.intake.artifacts import Artifacts
from proofgrid.roles.intake.audit import AuditLog
from proofgrid.roles.intake.bonds import Bonds
from proofgrid.roles.intake.bulk_acts import BulkActs
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.canaries import Canaries
from proofgrid.roles.intake.certificates import Certificates
from proofgrid.roles.intake.close_up import CloseUp
from proofgrid.roles.intake.dead_letters import DeadLetters
from proofgrid.roles.intake.engines import Engines
from proofgrid.roles.intake.evidence import EvidenceDesk
from proofgrid.roles.intake.gate import Gate
from proofgrid.roles.intake.incidents import Incidents
from proofgrid.roles.intake.keys import KeyRing
from proofgrid.roles.intake.overview import Overview
from proofgrid.roles.intake.ownership import Ownership
from proofgrid.roles.intake.programs import Programs
from proofgrid.roles.intake.proof_deliveries import ProofDeliveries
from proofgrid.roles.intake.quota import Quotas
from proofgrid.roles.intake.quotes import Quotes
from proofgrid.roles.intake.records import Records
from proofgrid.roles.intake.registration import Registration
from proofgrid.roles.intake.reputation import Reputation
from proofgrid.roles.intake.sealing import Recipients
from proofgrid.roles.intake.sizes import Sizes
from proofgrid.roles.intake.statements import Statements
from proofgrid.roles.intake.status import Status
from proofgrid.roles.intake.subnetworks import Subnetworks
from proofgrid.roles.intake.tasks import Tasks
from proofgrid.roles.intake.treasury import Treasury
from proofgrid.roles.intake.vault import Vaults
from proofgrid.roles.intake.webhooks import WebhookList
from proofgrid.rules.jobs.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Plain values in and out; a door asks `callers` first, for the use case that it is about to call."""

    limits: Limits
    callers: Callers
    access: AccessList
    accounts: Accounts
    api_keys: ApiKeys
    artifacts: Artifacts
    audit: AuditLog
    bonds: Bonds
    bulk_acts: BulkActs
    canaries: Canaries
    certificates: Certificates
    close_up: CloseUp
    dead_letters: DeadLetters
    engines: Engines
    evidence: EvidenceDesk
    gate: Gate
    incidents: Incidents
    keys: KeyRing
    overview: Overview
    ownership: Ownership
    programs: Programs
    quotas: Quotas
    quotes: Quotes
    records: Records
    registration: Registration
    recipients: Recipients
    reputation: Reputation
    sizes: Sizes
    statements: Statements
    deliveries: ProofDeliveries
    status: Status
    subnetworks: Subnetworks
    tasks: Tasks
    treasury: Treasury
    vaults: Vaults
    webhooks: WebhookList
