"""The only place that names concrete adapters: builds a gateway or a prover out of settings and runs it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import structlog

from proofgrid.primitives.clock import SystemClock, fresh_uuid
from proofgrid.primitives.digests import Digest
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.ids import Address, GatewayId, LeaseId, SessionId
from proofgrid.primitives.signatures import SigningKey
from proofgrid.proofs.ezkl.development import make_development_srs_folder
from proofgrid.proofs.ezkl.srs import srs_files
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.registry import installed_names
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.dispatcher.desk import Desk, DispatchSettings
from proofgrid.roles.dispatcher.watch import Watch
from proofgrid.roles.gateway.admin_service import AdminService
from proofgrid.roles.gateway.admission import Admission
from proofgrid.roles.gateway.artifact_service import ArtifactService
from proofgrid.roles.gateway.client_service import ClientService, NetworkFacts
from proofgrid.roles.gateway.front_door import FrontDoor
from proofgrid.roles.gateway.prover_service import ProverService
from proofgrid.roles.gateway.registration import Registration
from proofgrid.roles.gateway.server import Listen, bind, new_server
from proofgrid.roles.gateway.watching import TaskWatch
from proofgrid.roles.market.rounds import Market, MarketSettings
from proofgrid.roles.prover.node import NodeSettings, OnEvent, ProverNode
from proofgrid.roles.settlement.combining import Combiner
from proofgrid.roles.settlement.settlement import Settlement
from proofgrid.rules.jobs.classes import parse_class
from proofgrid.rules.jobs.limits import Limits
from proofgrid.sdk.connection import Connection
from proofgrid.sdk.keys import new_key, read_key, write_key
from proofgrid.settings import GatewaySettings, ProverSettings, parse_gateway_roles
from proofgrid.store.artifacts import ArtifactStore
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Database, Listener
from proofgrid.store.embedded import start_embedded
from proofgrid.store.migrations import migrate
from proofgrid.store.mirror import DatabaseRepairList, MirroredStore, second_config
from proofgrid.store.queries import QUERIES
from proofgrid.store.retention import DAY_MS, Retention, RetentionSettings
from proofgrid.telemetry.logs import configure_logs
from proofgrid.wire.addresses import parse_target
from proofgrid.wire.v1 import client_pb2_grpc, prover_pb2_grpc

GATEWAY_CACHE_BYTES = 10 << 30
STOP_GRACE_SECONDS = 2.0
MOVE_PATIENCE_SECONDS = 5.0  #: provers that were asked to go to another gateway go at once, unless they hang
DRAIN_GRACE_SECONDS = 10.0  #: calls under way when a gateway closes may take this long
TRANSFER_PATIENCE_SECONDS = 30.0  #: how long a prover looks for a gateway before it gives a job back

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """What a running gateway is, for whoever started it."""

    address: str  #: host:port
    network: Address
    srs_for_development: bool
    data_dir: Path


@dataclass(frozen=True, slots=True)
class _Srs:
    path: Path
    files: Mapping[str, Digest]
    for_development: bool


_NO_SRS = _Srs(Path(), {}, False)  #: of a gateway that nobody calls


def network_key_path(data_dir: Path) -> Path:
    """Return where a network's key lies by default."""
    return data_dir / "network.key"


# --- gateway -----------------------------------------------------------------------------------------


async def run_gateway(
    settings: GatewaySettings, *, on_ready: Callable[[GatewayFacts], None], drain: asyncio.Event
) -> None:
    """Run a gateway with the chosen roles; `on_ready` is called when it accepts calls.

    Ends after `drain` is set and everybody who is connected was sent to other gateways, or at once when cancelled.
    """
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    roles = parse_gateway_roles(settings.roles)
    clock = SystemClock()
    data_dir = settings.data_dir.expanduser().resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    key = _network_key(settings, data_dir)
    scratch = _fresh_scratch(data_dir / "scratch")

    async with AsyncExitStack() as stack:
        workers = ProofWorkers(settings.workers)
        stack.push_async_callback(workers.close)
        database = await stack.enter_async_context(_database(settings, data_dir))
        artifacts = open_artifacts(settings, data_dir, database)
        srs = _NO_SRS
        if "api" in roles:
            srs = await _srs(settings, data_dir, workers, artifacts, database)
        library = ProgramLibrary(database, artifacts, LocalCache(data_dir / "cache", GATEWAY_CACHE_BYTES))
        limits = _limits(settings)

        gateway_id = GatewayId(fresh_uuid(clock))
        settlement = Settlement(database, artifacts, library, workers, scratch=scratch)
        desk = Desk(
            database,
            gateway_id=gateway_id,
            settle=settlement.settle,
            settings=_dispatch_settings(settings),
            subnetwork=settings.subnetwork,
            clock=clock,
        )
        watch = Watch(database, _dispatch_settings(settings))
        market = Market(database, gateway_id=gateway_id, key=key, settings=_market_settings(settings), clock=clock)
        combiner = Combiner(database, artifacts, library, workers, gateway_id=gateway_id, key=key, scratch=scratch)
        task_watch = TaskWatch(database)
        admission = Admission(
            database,
            artifacts,
            library,
            workers,
            limits=limits,
            clock=clock,
            subnetwork=settings.subnetwork,
            scratch=scratch,
        )
        registration = Registration(database, artifacts, workers, srs=srs.path, scratch=scratch)
        facts = NetworkFacts(address=key.address, srs_files=srs.files, srs_for_development=srs.for_development)

        def on_stop(payload: str) -> None:
            told = json.loads(payload)
            if told["gateway"] == str(gateway_id):
                lease_id = LeaseId(UUID(told["lease"])) if told.get("lease") else None
                desk.stop(SessionId(UUID(told["session"])), lease_id, told.get("reason", ""))

        async def look_at_everything() -> None:
            await market.wake_all()
            desk.wake_all()
            watch.wake()
            combiner.wake()
            task_watch.wake_all()

        listener = Listener(
            database.dsn,
            {
                "lanes": market.wake,
                "leases": desk.wake,
                "stops": on_stop,
                "task_events": task_watch.wake,
                "combining": lambda _task: combiner.wake(),
                "expiry": lambda _nothing: watch.wake(),
            },
            on_reconnect=look_at_everything,
        )

        door = FrontDoor(database, audience=key.address, limits=limits, clock=clock)
        server = new_server()
        client_pb2_grpc.add_ClientServiceServicer_to_server(
            ClientService(door, database, admission, registration, task_watch, facts=facts, limits=limits), server
        )
        client_pb2_grpc.add_AdminServiceServicer_to_server(AdminService(door, database), server)
        client_pb2_grpc.add_ArtifactServiceServicer_to_server(
            ArtifactService(door, database, artifacts, limits=limits), server
        )
        if "dispatcher" in roles:
            prover_pb2_grpc.add_ProverServiceServicer_to_server(
                ProverService(door, desk, network=key.address, heartbeat_ms=settings.heartbeat_ms), server
            )
        listen = _listen(settings)
        port = bind(server, listen) if "api" in roles else 0
        async with database.connection() as connection:
            await _check_network(connection, key.address)
            await connection.execute(QUERIES["register_gateway"], gateway_id)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(listener.run())]
                await listener.wait_listening()
                tasks += [group.create_task(door.forget_spent_tokens())]
                tasks += [group.create_task(work) for work in (desk.keep_alive(), desk.run())]
                sellers = [group.create_task(market.run())] if "market" in roles else []
                tasks += [group.create_task(watch.run())] if "dispatcher" in roles else []
                tasks += [group.create_task(combiner.run())] if "settlement" in roles else []
                if "settlement" in roles:
                    tasks += [group.create_task(run()) for run in _tidying(settings, database, artifacts)]
                if port:
                    await server.start()
                log.info(
                    "gateway_ready", port=port, network=key.address, gateway_id=str(gateway_id), roles=sorted(roles)
                )
                on_ready(
                    GatewayFacts(
                        address=f"{listen.host}:{port}" if port else "",
                        network=key.address,
                        srs_for_development=srs.for_development,
                        data_dir=data_dir,
                    )
                )
                await drain.wait()
                log.info("gateway_drains")
                for task in sellers:
                    task.cancel()
                await desk.move_all(patience_seconds=MOVE_PATIENCE_SECONDS)
                task_watch.close()
                await server.stop(DRAIN_GRACE_SECONDS)
                for task in tasks:
                    task.cancel()
        finally:
            await server.stop(STOP_GRACE_SECONDS)
            async with database.connection() as connection:
                await connection.execute(QUERIES["gateway_gone"], gateway_id)


def open_artifacts(settings: GatewaySettings, data_dir: Path, database: Database) -> ArtifactStore:
    """Return the network's artifact store: one, or two that mend each other."""
    primary = ArtifactStore.open(settings.artifacts or str(data_dir / "artifacts"))
    if not settings.artifacts_mirror:
        return primary
    second = ArtifactStore.open(settings.artifacts_mirror, config=second_config(os.environ))
    return MirroredStore(primary, second, DatabaseRepairList(database))


def _tidying(
    settings: GatewaySettings, database: Database, artifacts: ArtifactStore
) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    work = [artifacts.run] if isinstance(artifacts, MirroredStore) else []
    if settings.retention_days:
        keep = RetentionSettings(keep_ms=settings.retention_days * DAY_MS)
        work.append(Retention(database, artifacts, keep).run)
    return work


@asynccontextmanager
async def _database(settings: GatewaySettings, data_dir: Path) -> AsyncIterator[Database]:
    """The database of the settings, migrated; an embedded one is stopped in the end."""
    embedded = None
    dsn = settings.dsn
    if not dsn:
        embedded = await asyncio.to_thread(start_embedded, data_dir / "db")
        dsn = embedded.dsn
    try:
        database = await Database.connect(dsn, size=settings.database_connections)
        try:
            async with database.connection() as connection:
                await connection.execute(QUERIES["lift_time_bounds"])  # a migration takes as long as it takes
                await migrate(connection)
            yield database
        finally:
            await database.close()
    finally:
        if embedded is not None:
            await asyncio.to_thread(embedded.stop)


async def _srs(
    settings: GatewaySettings, data_dir: Path, workers: ProofWorkers, artifacts: ArtifactStore, database: Database
) -> _Srs:
    """The network's SRS: that of a real ceremony, or one made here for development; stored for provers and clients."""
    path = settings.srs_file
    if path is None:
        path = data_dir / "development-srs"
        log.warning("development_srs", logrows=settings.srs_logrows)
        await workers.call(make_development_srs_folder, path, settings.srs_logrows, timeout_seconds=3_600)
    elif not path.exists():
        raise InvalidField(f"there is no file or folder {path}", field="srs_file")
    files = {}
    for logrows, file in sorted((await asyncio.to_thread(srs_files, path)).items()):
        digest, size_bytes = await artifacts.put_file(file)
        files[f"kzg{logrows}.srs"] = digest
        async with database.connection() as connection:
            await connection.execute(QUERIES["record_artifact"], digest, "", size_bytes)
    return _Srs(path, files, settings.srs_file is None)


async def _check_network(connection: Any, address: Address) -> None:
    """Refuse a key that is not the one of the database's network: its tokens and rounds would be nobody's."""
    known = await connection.fetchval(QUERIES["network_of_database"], address)
    if known != address:
        raise InvalidField(
            f"the database belongs to network {known}, the key to {address}",
            field="network_key",
            hint="give all gateways of a database the same --network-key",
        )


def _network_key(settings: GatewaySettings, data_dir: Path) -> SigningKey:
    path = settings.network_key or network_key_path(data_dir)
    if settings.network_key is None and not path.exists():
        write_key(new_key(), path)
        log.info("network_key_made", path=str(path))
    return read_key(path)


def _listen(settings: GatewaySettings) -> Listen:
    target = parse_target(settings.listen, field="listen")
    host, _, port = settings.listen.rpartition(":")
    return Listen(
        host=target.host if host else settings.listen,
        port=int(port) if host else target.port,
        certificate=settings.tls_certificate,
        private_key=settings.tls_key,
    )


def _limits(settings: GatewaySettings) -> Limits:
    return Limits(
        requests_per_second=settings.requests_per_second,
        requests_burst=settings.requests_burst,
        open_tasks=settings.open_tasks,
        stored_bytes=settings.stored_bytes,
        upload_bytes=settings.upload_bytes,
    )


def _dispatch_settings(settings: GatewaySettings) -> DispatchSettings:
    return DispatchSettings(
        heartbeat_ms=settings.heartbeat_ms,
        lease_ttl_ms=settings.lease_ttl_ms,
        reconnect_grace_ms=settings.reconnect_grace_ms,
        attempts_max=settings.attempts_max,
    )


def _market_settings(settings: GatewaySettings) -> MarketSettings:
    return MarketSettings(interval_ms=settings.round_interval_ms, reference_price=settings.reference_price)


def _fresh_scratch(path: Path) -> Path:
    # What a killed gateway left behind is nobody's; another gateway has its own folder beside it.
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        if old.name.isdigit() and not psutil.pid_exists(int(old.name)):
            shutil.rmtree(old, ignore_errors=True)
    mine = path / str(os.getpid())
    mine.mkdir(exist_ok=True)
    return mine


# --- prover ------------------------------------------------------------------------------------------


async def run_prover(settings: ProverSettings, *, on_event: OnEvent, drain: asyncio.Event) -> None:
    """Run a prover until cancelled, or until `drain` is set and its last job is done."""
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    if settings.key is None:
        raise InvalidField(
            "a prover needs its operator's key", field="key", hint="proofgrid keys new --out operator.key"
        )
    key = read_key(settings.key, password=settings.key_password or None)
    gateways = [text.strip() for text in settings.gateway.split(",") if text.strip()]
    systems = [text.strip() for text in settings.proof_systems.split(",") if text.strip()] or installed_names()
    node_settings = NodeSettings(
        name=settings.name,
        asks=dict.fromkeys(systems, settings.ask),
        classes=tuple(parse_class(text.strip()) for text in settings.classes.split(",") if text.strip()),
        slots=settings.slots,
        cores=settings.cores,
        memory_bytes=settings.memory_bytes or psutil.virtual_memory().total,
        region=settings.region,
        directory=settings.data_dir.expanduser().resolve() / "provers" / settings.name,
        cache_bytes=settings.cache_bytes,
    )
    network = settings.network or None
    clock = SystemClock()
    async with Connection(
        gateways,
        key,
        network=network,
        ca_file=settings.tls_ca,
        patience_seconds=TRANSFER_PATIENCE_SECONDS,
        clock=clock,
    ) as connection:
        node = ProverNode(
            connection,
            gateways,
            node_settings,
            network=network,
            ca_file=settings.tls_ca,
            clock=clock,
            on_event=on_event,
        )
        async with asyncio.TaskGroup() as group:
            draining = group.create_task(_drain_when(drain, node))
            await node.run()
            draining.cancel()


async def _drain_when(drain: asyncio.Event, node: ProverNode) -> None:
    await drain.wait()
    node.drain()
