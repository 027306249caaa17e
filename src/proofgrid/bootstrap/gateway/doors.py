"""The gRPC door of a gateway: which service answers what, and where it listens."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.bootstrap.gateway.roles import Roles
from proofgrid.doors.grpc.admin import AdminService
from proofgrid.doors.grpc.artifact import ArtifactService
from proofgrid.doors.grpc.canary import CanaryService
from proofgrid.doors.grpc.client import ClientService, NetworkFacts
from proofgrid.doors.grpc.front_door import FrontDoor
from proofgrid.doors.grpc.incident import IncidentService
from proofgrid.doors.grpc.market import MarketService
from proofgrid.doors.grpc.prover import ProverService
from proofgrid.doors.grpc.quote import QuoteService
from proofgrid.doors.grpc.reputation import ReputationService
from proofgrid.doors.grpc.server import Listen, bind, new_server
from proofgrid.doors.grpc.stake import StakeService
from proofgrid.doors.grpc.statement import StatementService
from proofgrid.doors.grpc.subnetwork import SubnetworkService
from proofgrid.doors.grpc.treasury import TreasuryService
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.wire.addresses import parse_target
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
class GrpcDoor:
    """A server with all services, bound and not started yet."""

    server: grpc.aio.Server
    host: str
    port: int  #: 0: nobody calls this gateway

    @property
    def address(self) -> str:
        """host:port, or empty."""
        return f"{self.host}:{self.port}" if self.port else ""

    async def open(self) -> None:
        """Accept calls from now on."""
        if self.port:
            await self.server.start()


def build_door(settings: GatewaySettings, world: Adapters, roles: Roles) -> GrpcDoor:
    """Build the services and take the port. Raises InvalidField when the address is taken or would carry plain text."""
    server = new_server()
    door = FrontDoor(roles.intake.callers)
    _serve_clients(server, door, settings, world, roles)
    _serve_operators(server, door, settings, world)
    _serve_administrators(server, door, world, roles)
    names = settings.role_names()
    if "dispatcher" in names:
        _serve_provers(server, door, settings, world, roles)
    listen = listen_of(settings)
    return GrpcDoor(server=server, host=listen.host, port=bind(server, listen) if "api" in names else 0)


def listen_of(settings: GatewaySettings) -> Listen:
    """Return where the gateway listens."""
    target = parse_target(settings.listen, field="listen")
    host, _, port = settings.listen.rpartition(":")
    return Listen(
        host=target.host if host else settings.listen,
        port=int(port) if host else target.port,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
    )


def _serve_clients(
    server: grpc.aio.Server, door: FrontDoor, settings: GatewaySettings, world: Adapters, roles: Roles
) -> None:
    intake, database = roles.intake, world.database
    client_pb2_grpc.add_ClientServiceServicer_to_server(
        ClientService(
            door,
            database,
            intake.admission,
            intake.registration,
            intake.task_watch,
            facts=NetworkFacts(
                address=world.key.address,
                setup_files=world.roots.files,
                setup_for_development=world.roots.for_development,
            ),
            limits=intake.limits,
            silent_ms=settings.lease_ttl_ms,
        ),
        server,
    )
    client_pb2_grpc.add_ArtifactServiceServicer_to_server(
        ArtifactService(door, database, world.artifacts, limits=intake.limits), server
    )
    quotes_pb2_grpc.add_QuoteServiceServicer_to_server(
        QuoteService(
            door,
            database,
            intake.admission,
            intake.price_jobs,
            limits=intake.limits,
            policy=settings.firm_quote_terms(),
            clock=world.clock,
        ),
        server,
    )
    statements_pb2_grpc.add_StatementServiceServicer_to_server(StatementService(door, database), server)
    subnetworks_pb2_grpc.add_SubnetworkServiceServicer_to_server(SubnetworkService(door, database), server)
    market_pb2_grpc.add_MarketServiceServicer_to_server(MarketService(door, database, world.key), server)


def _serve_operators(server: grpc.aio.Server, door: FrontDoor, settings: GatewaySettings, world: Adapters) -> None:
    reputation_pb2_grpc.add_ReputationServiceServicer_to_server(
        ReputationService(door, world.database, settings.reputation()), server
    )
    stake_pb2_grpc.add_StakeServiceServicer_to_server(
        StakeService(door, world.database, world.artifacts, world.key, settings.bonds()), server
    )


def _serve_administrators(server: grpc.aio.Server, door: FrontDoor, world: Adapters, roles: Roles) -> None:
    database = world.database
    client_pb2_grpc.add_AdminServiceServicer_to_server(AdminService(door, database), server)
    treasury_pb2_grpc.add_TreasuryServiceServicer_to_server(TreasuryService(door, database), server)
    incidents_pb2_grpc.add_IncidentServiceServicer_to_server(IncidentService(door, database), server)
    canary_pb2_grpc.add_CanaryServiceServicer_to_server(
        CanaryService(door, database, roles.intake.admission, world.clock), server
    )


def _serve_provers(
    server: grpc.aio.Server, door: FrontDoor, settings: GatewaySettings, world: Adapters, roles: Roles
) -> None:
    prover_pb2_grpc.add_ProverServiceServicer_to_server(
        ProverService(door, roles.desk, network=world.key.address, heartbeat_ms=settings.heartbeat_ms), server
    )
