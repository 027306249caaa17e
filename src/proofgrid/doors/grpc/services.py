"""Every service of the intake on one gRPC server."""

from __future__ import annotations

import grpc

from proofgrid.doors.grpc.admin import AdminService
from proofgrid.doors.grpc.artifact import ArtifactService
from proofgrid.doors.grpc.audit import AuditService
from proofgrid.doors.grpc.canary import CanaryService
from proofgrid.doors.grpc.client import ClientService
from proofgrid.doors.grpc.engine import EngineService
from proofgrid.doors.grpc.front_door import FrontDoor
from proofgrid.doors.grpc.incident import IncidentService
from proofgrid.doors.grpc.market import MarketService
from proofgrid.doors.grpc.program import ProgramService
from proofgrid.doors.grpc.prover import ProverDesk, ProverService
from proofgrid.doors.grpc.quote import QuoteService
from proofgrid.doors.grpc.reputation import ReputationService
from proofgrid.doors.grpc.sealing import SealingService
from proofgrid.doors.grpc.stake import StakeService
from proofgrid.doors.grpc.statement import StatementService
from proofgrid.doors.grpc.subnetwork import SubnetworkService
from proofgrid.doors.grpc.treasury import TreasuryService
from proofgrid.primitives.ids import Address
from proofgrid.roles.intake.intake import Intake
from proofgrid.wire.v1 import (
    audit_pb2_grpc,
    canary_pb2_grpc,
    client_pb2_grpc,
    engines_pb2_grpc,
    incidents_pb2_grpc,
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
)


def add_services(server: grpc.aio.Server, intake: Intake) -> None:
    """Offer the use cases of the intake."""
    door = FrontDoor(intake.callers)
    client_pb2_grpc.add_ClientServiceServicer_to_server(ClientService(door, intake), server)
    client_pb2_grpc.add_AdminServiceServicer_to_server(AdminService(door, intake), server)
    client_pb2_grpc.add_ArtifactServiceServicer_to_server(ArtifactService(door, intake.artifacts), server)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditService(door, intake.audit), server)
    canary_pb2_grpc.add_CanaryServiceServicer_to_server(CanaryService(door, intake.canaries, intake.treasury), server)
    engines_pb2_grpc.add_EngineServiceServicer_to_server(EngineService(door, intake.engines), server)
    incidents_pb2_grpc.add_IncidentServiceServicer_to_server(IncidentService(door, intake.incidents), server)
    market_pb2_grpc.add_MarketServiceServicer_to_server(MarketService(door, intake.records, intake.sizes), server)
    programs_pb2_grpc.add_ProgramServiceServicer_to_server(ProgramService(door, intake.ownership), server)
    quotes = QuoteService(door, intake.quotes, intake.gate, limits=intake.limits)
    quotes_pb2_grpc.add_QuoteServiceServicer_to_server(quotes, server)
    reputation_pb2_grpc.add_ReputationServiceServicer_to_server(ReputationService(door, intake.reputation), server)
    sealing_pb2_grpc.add_SealingServiceServicer_to_server(SealingService(door, intake.recipients), server)
    stake_pb2_grpc.add_StakeServiceServicer_to_server(StakeService(door, intake.bonds, intake.evidence), server)
    statements_pb2_grpc.add_StatementServiceServicer_to_server(StatementService(door, intake.statements), server)
    subnetworks_pb2_grpc.add_SubnetworkServiceServicer_to_server(SubnetworkService(door, intake.subnetworks), server)
    treasury_pb2_grpc.add_TreasuryServiceServicer_to_server(TreasuryService(door, intake.treasury), server)


def add_prover_service(
    server: grpc.aio.Server, intake: Intake, desk: ProverDesk, *, network: Address, heartbeat_ms: int
) -> None:
    """Let provers connect to the desk of this gateway."""
    service = ProverService(FrontDoor(intake.callers), desk, network=network, heartbeat_ms=heartbeat_ms)
    prover_pb2_grpc.add_ProverServiceServicer_to_server(service, server)
