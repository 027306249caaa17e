"""Every service of the intake on one gRPC server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import grpc

from proofgrid.doors.grpc.prover import ProverDesk, ProverService
from proofgrid.doors.services.every import Services
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.intake import Intake
from proofgrid.wire.v1 import (
    accounts_pb2_grpc,
    api_keys_pb2_grpc,
    audit_pb2_grpc,
    canary_pb2_grpc,
    client_pb2_grpc,
    delivery_pb2_grpc,
    engines_pb2_grpc,
    incidents_pb2_grpc,
    keys_pb2_grpc,
    market_pb2_grpc,
    programs_pb2_grpc,
    prover_pb2_grpc,
    quotes_pb2_grpc,
    reputation_pb2_grpc,
    sealing_pb2_grpc,
    stake_pb2_grpc,
    statements_pb2_grpc,
    subnetworks_pb2_grpc,
    treasury_pb2_grpc,
    vault_pb2_grpc,
    webhooks_pb2_grpc,
)

#: Who puts a service on a server, by the name of the service.
_ADDING: Mapping[str, Callable[..., None]] = {
    "AccountService": accounts_pb2_grpc.add_AccountServiceServicer_to_server,
    "AdminService": client_pb2_grpc.add_AdminServiceServicer_to_server,
    "ApiKeyService": api_keys_pb2_grpc.add_ApiKeyServiceServicer_to_server,
    "ArtifactService": client_pb2_grpc.add_ArtifactServiceServicer_to_server,
    "AuditService": audit_pb2_grpc.add_AuditServiceServicer_to_server,
    "CanaryService": canary_pb2_grpc.add_CanaryServiceServicer_to_server,
    "ClientService": client_pb2_grpc.add_ClientServiceServicer_to_server,
    "DeliveryService": delivery_pb2_grpc.add_DeliveryServiceServicer_to_server,
    "EngineService": engines_pb2_grpc.add_EngineServiceServicer_to_server,
    "IncidentService": incidents_pb2_grpc.add_IncidentServiceServicer_to_server,
    "KeyService": keys_pb2_grpc.add_KeyServiceServicer_to_server,
    "MarketService": market_pb2_grpc.add_MarketServiceServicer_to_server,
    "ProgramService": programs_pb2_grpc.add_ProgramServiceServicer_to_server,
    "QuoteService": quotes_pb2_grpc.add_QuoteServiceServicer_to_server,
    "ReputationService": reputation_pb2_grpc.add_ReputationServiceServicer_to_server,
    "SealingService": sealing_pb2_grpc.add_SealingServiceServicer_to_server,
    "StakeService": stake_pb2_grpc.add_StakeServiceServicer_to_server,
    "StatementService": statements_pb2_grpc.add_StatementServiceServicer_to_server,
    "SubnetworkService": subnetworks_pb2_grpc.add_SubnetworkServiceServicer_to_server,
    "TreasuryService": treasury_pb2_grpc.add_TreasuryServiceServicer_to_server,
    "VaultService": vault_pb2_grpc.add_VaultServiceServicer_to_server,
    "WebhookService": webhooks_pb2_grpc.add_WebhookServiceServicer_to_server,
}


def add_services(server: grpc.aio.Server, services: Services) -> None:
    """Offer the services of the intake."""
    for name, servicer in services.items():
        _ADDING[name](servicer, server)


def add_prover_service(
    server: grpc.aio.Server, intake: Intake, desk: ProverDesk, *, network: Address, heartbeat_ms: int
) -> None:
    """Let provers connect to the desk of this gateway."""
    service = ProverService(
        FrontDoor(intake.callers),
        desk,
        network=network,
        heartbeat_ms=heartbeat_ms,
        certificates=intake.certificates,
    )
    prover_pb2_grpc.add_ProverServiceServicer_to_server(service, server)
