"""All services of the gRPC door, and how a server comes to answer for them."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from proofgrid.doors.grpc.admin import AdminService
from proofgrid.doors.grpc.artifact import ArtifactService
from proofgrid.doors.grpc.canary import CanaryService
from proofgrid.doors.grpc.client import ClientService
from proofgrid.doors.grpc.incident import IncidentService
from proofgrid.doors.grpc.market import MarketService
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.grpc.quote import QuoteService
from proofgrid.doors.grpc.reputation import ReputationService
from proofgrid.doors.grpc.stake import StakeService
from proofgrid.doors.grpc.statement import StatementService
from proofgrid.doors.grpc.subnetwork import SubnetworkService
from proofgrid.doors.grpc.treasury import TreasuryService
from proofgrid.wire.v1 import (
    canary_pb2_grpc,
    client_pb2_grpc,
    incidents_pb2_grpc,
    market_pb2_grpc,
    prover_pb2_grpc,
    quotes_pb2_grpc,
    reputation_pb2_grpc,
    stake_pb2_grpc,
    statements_pb2_grpc,
    subnetworks_pb2_grpc,
    treasury_pb2_grpc,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One of each; a gateway without a dispatcher serves no provers."""

    admin: AdminService
    artifact: ArtifactService
    canary: CanaryService
    client: ClientService
    incident: IncidentService
    market: MarketService
    prover: ProverService | None
    quote: QuoteService
    reputation: ReputationService
    stake: StakeService
    statement: StatementService
    subnetwork: SubnetworkService
    treasury: TreasuryService

    def answer_on(self, server: grpc.aio.Server) -> None:
        """Let a server that is not started answer the calls of all services."""
        client_pb2_grpc.add_AdminServiceServicer_to_server(self.admin, server)
        client_pb2_grpc.add_ArtifactServiceServicer_to_server(self.artifact, server)
        canary_pb2_grpc.add_CanaryServiceServicer_to_server(self.canary, server)
        client_pb2_grpc.add_ClientServiceServicer_to_server(self.client, server)
        incidents_pb2_grpc.add_IncidentServiceServicer_to_server(self.incident, server)
        market_pb2_grpc.add_MarketServiceServicer_to_server(self.market, server)
        quotes_pb2_grpc.add_QuoteServiceServicer_to_server(self.quote, server)
        reputation_pb2_grpc.add_ReputationServiceServicer_to_server(self.reputation, server)
        stake_pb2_grpc.add_StakeServiceServicer_to_server(self.stake, server)
        statements_pb2_grpc.add_StatementServiceServicer_to_server(self.statement, server)
        subnetworks_pb2_grpc.add_SubnetworkServiceServicer_to_server(self.subnetwork, server)
        treasury_pb2_grpc.add_TreasuryServiceServicer_to_server(self.treasury, server)
        if self.prover is not None:
            prover_pb2_grpc.add_ProverServiceServicer_to_server(self.prover, server)
