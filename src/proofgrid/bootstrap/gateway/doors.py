"""The gRPC door of a gateway: which service answers what, and where it listens."""

from __future__ import annotations

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.bootstrap.gateway.roles import Roles
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.doors.grpc.health import add_health_service
from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.grpc.names import accepted_names
from proofgrid.doors.grpc.server import GrpcDoor, Listen, bind, new_server
from proofgrid.doors.grpc.services import add_prover_service, add_services
from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.wire.addresses import Target, parse_target


def build_door(settings: GatewaySettings, world: Adapters, roles: Roles, listen: Listen) -> GrpcDoor:
    """Build the services and take the port. Raises InvalidField when the address is taken or would carry plain text."""
    server = new_server(shares_port=listen.is_shared)
    spoken_to: set[str] = set()
    heard = hearing(server, spoken_to)
    add_services(heard, roles.intake)
    add_health_service(server, roles.health)
    names = settings.role_names()
    if "dispatcher" in names:
        add_prover_service(
            heard, roles.intake, roles.desk, network=world.key.address, heartbeat_ms=settings.heartbeat_ms
        )
    if "api" not in names:
        return GrpcDoor(server=server, host=listen.host, port=0)
    port = bind(server, listen)
    spoken_to |= accepted_names(listen, port=port, told=settings.names)
    return GrpcDoor(server=server, host=listen.host, port=port)


def target_of(settings: GatewaySettings) -> Target:
    """Return where the gateway of the settings is called on this machine. Raises InvalidField where it has no port."""
    listen = listen_of(settings)
    if not listen.port:
        raise InvalidField("port 0 is any free one", field="listen", hint="--listen with the port that it got")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - a table, nobody listens
    return Target(host, listen.port, encrypted=listen.is_encrypted)


def listen_of(settings: GatewaySettings, sibling: Sibling | None = None) -> Listen:
    """Return where the gateway listens, alone or with its siblings."""
    target = parse_target(settings.listen, field="listen")
    host, _, port = settings.listen.rpartition(":")
    return Listen(
        host=target.host if host else settings.listen,
        port=int(port) if host else target.port,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
        is_shared=sibling is not None and sibling.count > 1,
    )
