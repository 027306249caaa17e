"""Every service of the intake, by its name in the protos: what doors carry, each in its own protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from proofgrid.doors.services.account import AccountService
from proofgrid.doors.services.admin import AdminService
from proofgrid.doors.services.api_keys import ApiKeyService
from proofgrid.doors.services.artifact import ArtifactService
from proofgrid.doors.services.audit import AuditService
from proofgrid.doors.services.canary import CanaryService
from proofgrid.doors.services.client import ClientService
from proofgrid.doors.services.delivery import DeliveryService
from proofgrid.doors.services.engine import EngineService
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.doors.services.incident import IncidentService
from proofgrid.doors.services.key import KeyService
from proofgrid.doors.services.market import MarketService
from proofgrid.doors.services.program import ProgramService
from proofgrid.doors.services.quote import QuoteService
from proofgrid.doors.services.reputation import ReputationService
from proofgrid.doors.services.sealing import SealingService
from proofgrid.doors.services.stake import StakeService
from proofgrid.doors.services.statement import StatementService
from proofgrid.doors.services.subnetwork import SubnetworkService
from proofgrid.doors.services.treasury import TreasuryService
from proofgrid.doors.services.vault import VaultService
from proofgrid.doors.services.webhooks import WebhookService
from proofgrid.roles.intake.intake import Intake

Services: TypeAlias = Mapping[str, object]  # name of a service -> what answers its calls


def services_of(intake: Intake) -> Services:
    """Return the use cases of the intake as services."""
    door = FrontDoor(intake.callers)
    return {
        "AccountService": AccountService(door, intake.accounts, intake.quotas),
        "AdminService": AdminService(door, intake),
        "ApiKeyService": ApiKeyService(door, intake.api_keys),
        "ArtifactService": ArtifactService(door, intake.artifacts),
        "AuditService": AuditService(door, intake.audit),
        "CanaryService": CanaryService(door, intake.canaries, intake.treasury),
        "ClientService": ClientService(door, intake),
        "DeliveryService": DeliveryService(door, intake.deliveries),
        "EngineService": EngineService(door, intake.engines),
        "IncidentService": IncidentService(door, intake.incidents),
        "KeyService": KeyService(door, intake.keys, intake.certificates),
        "MarketService": MarketService(door, intake.records, intake.sizes),
        "ProgramService": ProgramService(door, intake.ownership),
        "QuoteService": QuoteService(door, intake.quotes, intake.gate, limits=intake.limits),
        "ReputationService": ReputationService(door, intake.reputation),
        "SealingService": SealingService(door, intake.recipients),
        "StakeService": StakeService(door, intake.bonds, intake.evidence),
        "StatementService": StatementService(door, intake.statements),
        "SubnetworkService": SubnetworkService(door, intake.subnetworks),
        "TreasuryService": TreasuryService(door, intake.treasury),
        "VaultService": VaultService(door, intake.vaults),
        "WebhookService": WebhookService(door, intake.webhooks),
    }
