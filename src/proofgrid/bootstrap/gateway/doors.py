"""The gRPC door of a gateway: which service answers what, and where it listens."""

from __future__ import annotations

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
from proofgrid.doors.grpc.server import GrpcDoor, Listen, bind, new_server
from proofgrid.doors.grpc.services import Services
from proofgrid.doors.grpc.stake import StakeService
from proofgrid.doors.grpc.statement import StatementService
from proofgrid.doors.grpc.subnetwork import SubnetworkService
from proofgrid.doors.grpc.treasury import TreasuryService
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.wire.addresses import parse_target


def build_door(settings: GatewaySettings, world: Adapters, roles: Roles) -> GrpcDoor:
    """Build the services and take the port. Raises InvalidField when the address is taken or would carry plain text."""
    server = new_server()
    build_services(settings, world, roles).answer_on(server)
    listen = listen_of(settings)
    port = bind(server, listen) if "api" in settings.role_names() else 0
    return GrpcDoor(server=server, host=listen.host, port=port)


def build_services(settings: GatewaySettings, world: Adapters, roles: Roles) -> Services:
    """Build all services behind one front door."""
    door, database, intake = FrontDoor(roles.intake.callers), world.database, roles.intake
    return Services(
        admin=AdminService(door, database),
        artifact=ArtifactService(door, database, world.artifacts, limits=intake.limits),
        canary=CanaryService(door, database, intake.admission, world.clock),
        client=_client_service(door, settings, world, roles),
        incident=IncidentService(door, database),
        market=MarketService(door, database, world.key),
        prover=_prover_service(door, settings, world, roles) if "dispatcher" in settings.role_names() else None,
        quote=QuoteService(
            door,
            database,
            intake.admission,
            intake.price_jobs,
            limits=intake.limits,
            policy=settings.firm_quote_terms(),
            clock=world.clock,
        ),
        reputation=ReputationService(door, database, settings.reputation()),
        stake=StakeService(door, database, world.artifacts, world.key, settings.bonds()),
        statement=StatementService(door, database),
        subnetwork=SubnetworkService(door, database),
        treasury=TreasuryService(door, database),
    )


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


def _client_service(door: FrontDoor, settings: GatewaySettings, world: Adapters, roles: Roles) -> ClientService:
    return ClientService(
        door,
        world.database,
        roles.intake.admission,
        roles.intake.registration,
        roles.intake.task_watch,
        facts=NetworkFacts(
            address=world.key.address,
            setup_files=world.roots.files,
            setup_for_development=world.roots.for_development,
        ),
        limits=roles.intake.limits,
        silent_ms=settings.lease_ttl_ms,
    )


def _prover_service(door: FrontDoor, settings: GatewaySettings, world: Adapters, roles: Roles) -> ProverService:
    return ProverService(door, roles.desk, network=world.key.address, heartbeat_ms=settings.heartbeat_ms)
