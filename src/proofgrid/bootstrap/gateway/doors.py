"""The doors of a gateway: which service answers what, and where they listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofgrid.bootstrap.gateway.adapters import Adapters
from proofgrid.bootstrap.gateway.roles import Roles
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.doors.grpc.health import add_health_service
from proofgrid.doors.grpc.hearing import hearing
from proofgrid.doors.grpc.reflection import add_reflection_service
from proofgrid.doors.grpc.server import GrpcDoor, bind, bind_for_provers, new_server
from proofgrid.doors.grpc.services import add_prover_service, add_services
from proofgrid.doors.services.crowds import Crowds
from proofgrid.doors.services.every import Services, services_of
from proofgrid.doors.services.front_door import FrontDoor
from proofgrid.doors.services.listening import Listen, check_listen
from proofgrid.doors.services.names import accepted_names
from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.wire.addresses import Target, parse_target

if TYPE_CHECKING:
    from proofgrid.doors.http.server import HttpDoor
    from proofgrid.doors.pages.routes import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Every door of a gateway; they accept calls once they are opened."""

    grpc: GrpcDoor
    http: HttpDoor | None  #: None where nobody asked for it
    crowds: Crowds
    pages: Pages | None = None  #: of the HTTP door

    @property
    def work(self) -> Sequence[Callable[[], Coroutine[object, object, None]]]:
        """What runs while they are open."""
        return [self.crowds.run, *([] if self.http is None else [self.http.run])]

    async def open(self) -> None:
        """Accept calls from now on."""
        await self.grpc.open()
        if self.http is not None:
            await self.http.open()

    async def close(self, *, grace_seconds: float) -> None:
        """Accept no more calls; those under way may take so long. Closing twice is no mistake."""
        if self.pages is not None:
            self.pages.close()  # or what is open there would last as long as it may
        async with asyncio.TaskGroup() as group:
            group.create_task(self.grpc.close(grace_seconds=grace_seconds))
            if self.http is not None:
                group.create_task(self.http.close(grace_seconds=grace_seconds))


def build_doors(settings: GatewaySettings, world: Adapters, roles: Roles, sibling: Sibling) -> Doors:
    """Build the services and take the ports. Raises InvalidField when one is taken or would carry plain text."""
    listen, names = listen_of(settings, sibling), settings.role_names()
    services = services_of(roles.intake)
    server = new_server(shares_port=listen.is_shared)
    spoken_to: set[str] = set()
    heard = hearing(server, spoken_to)
    add_services(heard, services)
    add_health_service(server, roles.health)
    if "dispatcher" in names:
        add_prover_service(
            heard, roles.intake, roles.desk, network=world.keys.network, heartbeat_ms=settings.heartbeat_ms
        )
    if settings.reflection:
        served = [*services, *(["ProverService"] if "dispatcher" in names else [])]
        add_reflection_service(server, FrontDoor(roles.intake.callers), served)
    port = bind(server, listen) if "api" in names else 0
    spoken_to |= _names_of(settings, listen, port)
    provers = provers_listen_of(settings, sibling)
    if provers is not None:
        certificates = roles.intake.certificates
        certificates.port = bind_for_provers(server, provers, lambda: certificates.roots)
        spoken_to |= _names_of(settings, provers, certificates.port)
    http, pages = _http_door(settings, services, world, roles, sibling)
    ports = [port, roles.intake.certificates.port, 0 if http is None else http.port]
    return Doors(
        grpc=GrpcDoor(server=server, host=listen.host, port=port),
        http=http,
        crowds=Crowds(ports, most=settings.connections_per_address),
        pages=pages,
    )


def _http_door(
    settings: GatewaySettings, services: Services, world: Adapters, roles: Roles, sibling: Sibling
) -> tuple[HttpDoor | None, Pages | None]:
    listen = http_listen_of(settings, sibling)
    if listen is None:
        return None, None
    # Imported where there is such a door: it takes half a second.
    from starlette.routing import Mount

    from proofgrid.bootstrap.gateway.visitors import BrowserVisitors
    from proofgrid.doors.http.app import new_app
    from proofgrid.doors.http.server import HttpDoor
    from proofgrid.doors.http.sessions import SignIn
    from proofgrid.doors.pages.routes import build_pages

    callers = roles.intake.callers
    pages = build_pages(roles.intake, world.clock, BrowserVisitors(callers))
    spoken_to: set[str] = set()
    sign_in = SignIn(callers, spoken_to, network=world.keys.network)
    door = HttpDoor(new_app(services, spoken_to, sign_in, beside=[Mount("/", pages.app)]), listen)
    spoken_to |= _names_of(settings, listen, door.port)
    return door, pages


def _names_of(settings: GatewaySettings, listen: Listen, port: int) -> frozenset[str]:
    return accepted_names(listen, port=port, told=settings.names) if port else frozenset()


def check_doors(settings: GatewaySettings, sibling: Sibling | None = None) -> None:
    """Raise InvalidField when a gateway of the settings could not listen: told before anything is started."""
    if "api" in settings.role_names():
        check_listen(listen_of(settings, sibling))
        accepted_names(listen_of(settings, sibling), port=0, told=settings.names)
    for beside in (http_listen_of(settings, sibling), provers_listen_of(settings, sibling)):
        if beside is not None:
            check_listen(beside)


def target_of(settings: GatewaySettings) -> Target:
    """Return where the gateway of the settings is called on this machine. Raises InvalidField where it has no port."""
    listen = listen_of(settings)
    if not listen.port:
        raise InvalidField("port 0 is any free one", field="listen", hint="--listen with the port that it got")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - a table, nobody listens
    return Target(host, listen.port, encrypted=listen.is_encrypted)


def listen_of(settings: GatewaySettings, sibling: Sibling | None = None) -> Listen:
    """Return where the gateway listens, alone or with its siblings."""
    return _listen(settings, settings.listen, "listen", sibling)


def provers_listen_of(settings: GatewaySettings, sibling: Sibling | None = None) -> Listen | None:
    """Return where provers connect with certificates; None: where clients do. Raises InvalidField where none could."""
    if not settings.listen_provers:
        return None
    field = "listen_provers"
    if "dispatcher" not in settings.role_names():
        raise InvalidField("provers are served by the dispatcher", field=field, hint="add dispatcher to --roles")
    if ":" not in settings.listen_provers:
        raise InvalidField(f"{settings.listen_provers!r} names no port", field=field, hint="like 0.0.0.0:7401")
    listen = _listen(settings, settings.listen_provers, field, sibling)
    if not listen.is_encrypted:
        raise InvalidField(
            "a gateway that asks for certificates shows one itself", field=field, hint="--tls-certificate and --tls-key"
        )
    return listen


def http_listen_of(settings: GatewaySettings, sibling: Sibling | None = None) -> Listen | None:
    """Return where it answers HTTP; None: nowhere. Raises InvalidField for a gateway that has no api."""
    if not settings.http:
        return None
    if "api" not in settings.role_names():
        raise InvalidField("HTTP is answered by the api", field="http", hint="add api to --roles, or leave --http out")
    if ":" not in settings.http:
        raise InvalidField(f"{settings.http!r} names no port", field="http", hint="like 127.0.0.1:7480")
    return _listen(settings, settings.http, "http", sibling)


def _listen(settings: GatewaySettings, where: str, field: str, sibling: Sibling | None) -> Listen:
    target = parse_target(where, field=field)
    host, _, port = where.rpartition(":")
    return Listen(
        field=field,
        host=target.host if host else where,
        port=int(port) if host else target.port,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
        is_shared=sibling is not None and sibling.count > 1,
    )
