"""What is to be said of this machine as a client, a prover or a gateway, by its settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from proofgrid.bootstrap.diagnosis.engines import look_at_confinement, look_at_engines
from proofgrid.bootstrap.diagnosis.machine import look_at_machine
from proofgrid.bootstrap.diagnosis.places import (
    look_at_certificate,
    look_at_folder,
    look_at_key,
    look_at_port,
    serves_at,
)
from proofgrid.bootstrap.diagnosis.services import look_at_dsn, look_at_gateway, look_at_store
from proofgrid.bootstrap.gateway.doors import target_of
from proofgrid.primitives.clock import Clock
from proofgrid.primitives.errors import InvalidField
from proofgrid.rules.diagnosis.engines import judge_confinement, judge_engines
from proofgrid.rules.diagnosis.finding import Finding, Role, fault, good
from proofgrid.rules.diagnosis.machine import judge_machine
from proofgrid.rules.diagnosis.places import (
    PortFacts,
    judge_certificate,
    judge_folder,
    judge_key,
    judge_port,
)
from proofgrid.rules.diagnosis.services import StoreFacts, judge_database, judge_gateway, judge_store
from proofgrid.rules.jobs.confinement import Confinement, parse_confinement
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import Settings, config_path, default_data_dir, load_settings
from proofgrid.settings.gateway import GatewaySettings, keys_folder, network_key_path
from proofgrid.settings.prover import ProverSettings
from proofgrid.store.mirror import second_config
from proofgrid.telemetry.logs import configure_logs
from proofgrid.wire.addresses import parse_target

KINDS: Mapping[Role, type[Settings]] = {
    Role.CLIENT: ClientSettings,
    Role.PROVER: ProverSettings,
    Role.GATEWAY: GatewaySettings,
}


async def examine(role: Role, flags: Mapping[str, object], clock: Clock) -> list[Finding]:
    """Return what is to be said of this machine; settings that cannot be read end it early."""
    configure_logs(level="error")  # what is found is said by findings
    try:
        settings = load_settings(KINDS[role], **flags)
    except InvalidField as reason:
        machine = await asyncio.to_thread(look_at_machine, default_data_dir(), clock)
        wrong = fault("settings", f"[{reason.field}] {reason.detail}", reason.hint or f"proofgrid config show {role}")
        return [wrong, *judge_machine(machine, role)]
    read = config_path()
    found = [good("settings", f"read, with {read}" if read.exists() else "read; there is no file of settings")]
    if isinstance(settings, GatewaySettings):
        return [*found, *await _gateway(settings, clock)]
    if isinstance(settings, ProverSettings):
        return [*found, *await _prover(settings, clock)]
    return [*found, *await _client(settings, clock)]


async def _client(settings: Settings, clock: Clock) -> list[Finding]:
    assert isinstance(settings, ClientSettings)  # noqa: S101 - the other kinds went elsewhere
    data_dir = default_data_dir()
    found = [*judge_machine(await asyncio.to_thread(look_at_machine, data_dir, clock), Role.CLIENT)]
    if not settings.api_key:
        path = settings.key or data_dir / "client.key"
        found += judge_key(look_at_key(path, has_password=bool(settings.key_password)))
    found += judge_gateway(await look_at_gateway(settings.gateway, network=settings.network, tls_ca=settings.tls_ca))
    engines = await asyncio.to_thread(look_at_engines, (), None)
    return [*found, *judge_engines(engines, Role.CLIENT)]


async def _prover(settings: ProverSettings, clock: Clock) -> list[Finding]:
    data_dir = settings.data_dir.expanduser().resolve()
    found = [judge_folder(look_at_folder(data_dir, holds_socket=False), Role.PROVER)]
    found += judge_machine(await asyncio.to_thread(look_at_machine, data_dir, clock), Role.PROVER)
    path = settings.key or default_data_dir() / "client.key"
    found += judge_key(look_at_key(path, has_password=bool(settings.key_password)))
    for gateway in settings.gateways():
        found += judge_gateway(await look_at_gateway(gateway, network=settings.network, tls_ca=settings.tls_ca))
    wanted = tuple(one.strip() for one in settings.proof_systems.split(",") if one.strip())
    found += judge_engines(await asyncio.to_thread(look_at_engines, wanted, None), Role.PROVER)
    wished = parse_confinement(settings.confinement, field="confinement")
    found.append(judge_confinement(await look_at_confinement(wished)))
    return found


async def _gateway(settings: GatewaySettings, clock: Clock) -> list[Finding]:
    data_dir = settings.directory()
    folder = look_at_folder(data_dir, holds_socket=not settings.dsn)
    found = [judge_folder(folder, Role.GATEWAY)]
    found += judge_machine(await asyncio.to_thread(look_at_machine, data_dir, clock), Role.GATEWAY)
    found += _keys(settings, data_dir)
    if settings.tls_certificate is not None:
        seen = look_at_certificate(settings.tls_certificate, settings.tls_key)
        found += judge_certificate(seen, now_ms=clock.now_ms())
    found += [judge_port(one) for one in await _ports(settings)]
    if settings.dsn:
        wanted = settings.database_connections + settings.processes
        found += judge_database(await look_at_dsn(settings.dsn, connections=wanted, clock=clock))
    found += [judge_store(one) for one in await _stores(settings)]
    found += judge_engines(await asyncio.to_thread(look_at_engines, (), settings.srs_file), Role.GATEWAY)
    found.append(judge_confinement(await look_at_confinement(Confinement.RULES)))
    return found


def _keys(settings: GatewaySettings, data_dir: Path) -> Iterator[Finding]:
    has_password = bool(settings.key_password)
    root = settings.network_key or network_key_path(data_dir)
    online = sorted(keys_folder(data_dir).glob("*.key"))
    if root.exists() or not online:  # the root key may lie elsewhere once there are others
        yield from judge_key(look_at_key(root, has_password=has_password, is_made_when_missing=True))
    for path in online:
        yield from judge_key(look_at_key(path, has_password=has_password))


async def _ports(settings: GatewaySettings) -> list[PortFacts]:
    found = []
    named = {"listen": settings.listen, "http": settings.http, "metrics": settings.metrics}
    for setting, text in {**named, "listen_provers": settings.listen_provers}.items():
        if not text:
            continue
        target = parse_target(f"grpcs://{text}", field=setting)
        if text.endswith(":0"):
            continue  # any free one
        seen = await asyncio.to_thread(look_at_port, setting, target.host, target.port)
        if seen.problem and setting == "listen" and await serves_at(target_of(settings), settings.tls_certificate):
            seen = PortFacts(setting=setting, address=seen.address, serves=True)
        found.append(seen)
    return found


async def _stores(settings: GatewaySettings) -> list[StoreFacts]:
    found = []
    if settings.artifacts:
        found.append(await look_at_store("artifacts", settings.artifacts))
    if settings.artifacts_mirror:
        config = second_config(os.environ)
        found.append(await look_at_store("artifacts_mirror", settings.artifacts_mirror, config))
    return found
