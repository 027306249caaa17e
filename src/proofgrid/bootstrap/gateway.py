"""Builds a gateway out of settings and runs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from proofgrid.bootstrap.adapters import (
    NO_SRS,
    check_network,
    fresh_scratch,
    network_key_of,
    open_artifacts,
    open_database,
    open_srs,
    tidying,
)
from proofgrid.bootstrap.crash_points import install_crash_hook
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
from proofgrid.primitives.clock import SystemClock, fresh_uuid
from proofgrid.primitives.errors import Recoverable
from proofgrid.primitives.ids import Address, GatewayId, LeaseId, SessionId
from proofgrid.proofs.base import JobDraft
from proofgrid.proofs.library import ProgramLibrary
from proofgrid.proofs.workers import ProofWorkers
from proofgrid.roles.canary.sending import Canaries
from proofgrid.roles.dispatcher.desk import Desk
from proofgrid.roles.dispatcher.watch import Watch
from proofgrid.roles.intake.admission import Admission
from proofgrid.roles.intake.callers import Callers
from proofgrid.roles.intake.registration import Registration
from proofgrid.roles.intake.watching import TaskWatch
from proofgrid.roles.market.quoting import QuotedJob, Quoting
from proofgrid.roles.market.rounds import Market
from proofgrid.roles.settlement.combining import Combiner
from proofgrid.roles.settlement.ledger_check import LedgerCheck
from proofgrid.roles.settlement.settlement import Settlement
from proofgrid.rules.jobs.constraints import Constraints
from proofgrid.rules.market.quote import LaneQuote
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.cache import LocalCache
from proofgrid.store.database import Listener
from proofgrid.store.queries import QUERIES
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.logs import configure_logs
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

GATEWAY_CACHE_BYTES = 10 << 30
STOP_GRACE_SECONDS = 2.0
MOVE_PATIENCE_SECONDS = 5.0  #: provers that were asked to go to another gateway go at once, unless they hang
DRAIN_GRACE_SECONDS = 10.0  #: calls under way when a gateway closes may take this long

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """What a running gateway is, for whoever started it."""

    address: str  #: host:port
    network: Address
    srs_for_development: bool
    data_dir: Path


async def run_gateway(
    settings: GatewaySettings, *, on_ready: Callable[[GatewayFacts], None], drain: asyncio.Event
) -> None:
    """Run a gateway with the chosen roles; `on_ready` is called when it accepts calls.

    Ends after `drain` is set and everybody who is connected was sent to other gateways, or at once when cancelled.
    """
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    roles = settings.role_names()
    clock = SystemClock()
    data_dir = settings.directory()
    data_dir.mkdir(parents=True, exist_ok=True)
    key = network_key_of(settings, data_dir)
    scratch = fresh_scratch(data_dir / "scratch")

    async with AsyncExitStack() as stack:
        workers = ProofWorkers(settings.workers)
        stack.push_async_callback(workers.close)
        database = await stack.enter_async_context(open_database(settings, data_dir))
        install_crash_hook(database)
        artifacts = open_artifacts(settings, data_dir, database)
        srs = NO_SRS
        if "api" in roles:
            srs = await open_srs(settings, data_dir, workers, artifacts, database)
        library = ProgramLibrary(database, artifacts, LocalCache(data_dir / "cache", GATEWAY_CACHE_BYTES))
        limits = settings.limits()

        gateway_id = GatewayId(fresh_uuid(clock))
        dispatch = settings.dispatcher()
        settlement = Settlement(
            database,
            artifacts,
            library,
            workers,
            scratch=scratch,
            report_ms=dispatch.phases.report_ms,
            hedging=dispatch.hedging,
            reputation=dispatch.reputation,
            surplus_to=settings.surplus,
        )
        desk = Desk(
            database,
            gateway_id=gateway_id,
            settle=settlement.settle,
            settings=dispatch,
            subnetwork=settings.subnetwork,
            clock=clock,
        )
        watch = Watch(database, dispatch)
        market = Market(database, gateway_id=gateway_id, key=key, settings=settings.market(), clock=clock)
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
        canary_settings = settings.canaries()
        canaries = Canaries(database, admission.submit, canary_settings, clock)
        registration = Registration(database, artifacts, workers, srs=srs.path, scratch=scratch)
        facts = NetworkFacts(address=key.address, srs_files=srs.files, srs_for_development=srs.for_development)

        def on_stop(payload: str) -> None:
            told = json.loads(payload)
            if told["gateway"] == str(gateway_id):
                lease_id = LeaseId(UUID(told["lease"])) if told.get("lease") else None
                desk.stop(SessionId(UUID(told["session"])), lease_id, told.get("reason", ""))

        def on_notice(payload: str) -> None:
            told = json.loads(payload)
            if told["gateway"] == str(gateway_id):
                desk.tell(SessionId(UUID(told["session"])), told["code"], told["detail"])

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
                "notices": on_notice,
                "task_events": task_watch.wake,
                "combining": lambda _task: combiner.wake(),
                "expiry": lambda _nothing: watch.wake(),
            },
            on_lost=task_watch.wake_all,  # who watches here looks, finds the database away, and goes to another gateway
            on_reconnect=look_at_everything,
        )

        callers = Callers(database, audience=key.address, limits=limits, clock=clock)
        door = FrontDoor(callers)
        server = new_server()
        client_pb2_grpc.add_ClientServiceServicer_to_server(
            ClientService(
                door,
                database,
                admission,
                registration,
                task_watch,
                facts=facts,
                limits=limits,
                silent_ms=settings.lease_ttl_ms,
            ),
            server,
        )
        canary_pb2_grpc.add_CanaryServiceServicer_to_server(CanaryService(door, database, admission, clock), server)
        reputation_pb2_grpc.add_ReputationServiceServicer_to_server(
            ReputationService(door, database, dispatch.reputation), server
        )
        client_pb2_grpc.add_AdminServiceServicer_to_server(AdminService(door, database), server)
        subnetworks_pb2_grpc.add_SubnetworkServiceServicer_to_server(SubnetworkService(door, database), server)
        client_pb2_grpc.add_ArtifactServiceServicer_to_server(
            ArtifactService(door, database, artifacts, limits=limits), server
        )
        quoting = Quoting(database, settings.market())

        async def price_jobs(
            jobs: Sequence[tuple[str, JobDraft]], program: str, constraints: Constraints
        ) -> Sequence[LaneQuote]:
            asked = [QuotedJob(lane=lane, units=job.units, memory_bytes=job.memory_bytes) for lane, job in jobs]
            return await quoting.quote(asked, program=program, constraints=constraints)

        quotes_pb2_grpc.add_QuoteServiceServicer_to_server(
            QuoteService(
                door,
                database,
                admission,
                price_jobs,
                limits=limits,
                policy=settings.firm_quote_terms(),
                clock=SystemClock(),
            ),
            server,
        )
        statements_pb2_grpc.add_StatementServiceServicer_to_server(StatementService(door, database), server)
        treasury_pb2_grpc.add_TreasuryServiceServicer_to_server(TreasuryService(door, database), server)
        incidents_pb2_grpc.add_IncidentServiceServicer_to_server(IncidentService(door, database), server)
        market_pb2_grpc.add_MarketServiceServicer_to_server(MarketService(door, database, key), server)
        stake_pb2_grpc.add_StakeServiceServicer_to_server(
            StakeService(door, database, artifacts, key, settings.bonds()), server
        )
        if "dispatcher" in roles:
            prover_pb2_grpc.add_ProverServiceServicer_to_server(
                ProverService(door, desk, network=key.address, heartbeat_ms=settings.heartbeat_ms), server
            )
        listen = listen_of(settings)
        port = bind(server, listen) if "api" in roles else 0
        async with database.transaction(Transaction.JOIN_NETWORK) as connection:
            await check_network(connection, key.address)
            await connection.execute(QUERIES["register_gateway"], gateway_id)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(listener.run())]
                await listener.wait_listening()
                tasks += [group.create_task(callers.forget_spent_tokens())]
                tasks += [
                    group.create_task(work)
                    for work in (desk.keep_alive(), desk.run(), settlement.run(), admission.run())
                ]
                sellers = [group.create_task(market.run())] if "market" in roles else []
                tasks += [group.create_task(watch.run())] if "dispatcher" in roles else []
                if "dispatcher" in roles and canary_settings.are_wanted:
                    tasks += [group.create_task(canaries.run())]
                tasks += [group.create_task(combiner.run())] if "settlement" in roles else []
                if "settlement" in roles:
                    tasks += [group.create_task(LedgerCheck(database).run())]
                    tasks += [group.create_task(run()) for run in tidying(settings, database, artifacts)]
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
            # When the database is away, the others learn it from the silence.
            with suppress(Recoverable):
                await database.write(Transaction.GATEWAY_GONE, QUERIES["gateway_gone"], gateway_id)


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
