"""Runs a gateway: builds it, joins the network, works until it is asked to drain, sends everybody on, leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from proofgrid.bootstrap.gateway.adapters import Adapters, check_network, open_adapters, tidying
from proofgrid.bootstrap.gateway.doors import Doors, build_doors, check_doors
from proofgrid.bootstrap.gateway.listening import build_listener
from proofgrid.bootstrap.gateway.metrics import Watched, is_watched
from proofgrid.bootstrap.gateway.roles import Roles, build_roles, build_second_looks
from proofgrid.bootstrap.gateway.sibling import Sibling
from proofgrid.bootstrap.gateway.store_keys import store_key_loop
from proofgrid.primitives.clock import fresh_uuid
from proofgrid.primitives.collector import spare_what_stays
from proofgrid.primitives.errors import Recoverable
from proofgrid.primitives.ids import Address, GatewayId
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.store.database import Database
from proofgrid.store.gateways import GATEWAY_GONE, REGISTER_GATEWAY
from proofgrid.store.listener import Listener
from proofgrid.store.transactions import Transaction
from proofgrid.telemetry.logs import configure_logs
from proofgrid.telemetry.otlp import sent_to

STOP_GRACE_SECONDS = 2.0
MOVE_PATIENCE_SECONDS = 5.0  #: provers that were asked to go to another gateway go at once, unless they hang
DRAIN_GRACE_SECONDS = 10.0  #: calls under way when a gateway closes may take this long

Work = Callable[[], Coroutine[object, object, None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """What a running gateway is, for whoever started it."""

    address: str  #: host:port; empty: it has no door
    network: Address
    setup_for_development: bool
    data_dir: Path
    http: str = ""  #: where its HTTP door is, scheme://host:port; empty: it has none
    processes: int = 1
    metrics: str = ""  #: where they are read; empty: nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The work of a gateway, as the tasks that do it."""

    selling: list[asyncio.Task[None]]  #: ends first when a gateway drains
    others: list[asyncio.Task[None]]


async def run_gateway(
    settings: GatewaySettings,
    *,
    on_ready: Callable[[GatewayFacts], None],
    drain: asyncio.Event,
    sibling: Sibling | None = None,
) -> None:
    """Run a gateway with the chosen roles, alone or as one of several; `on_ready` is called when it accepts calls.

    Ends after `drain` is set and everybody who is connected was sent to other gateways, or at once when cancelled.
    """
    sibling = sibling or Sibling()
    configure_logs(json_lines=settings.log_json, level=settings.log_level, process=sibling.number)
    check_doors(settings, sibling)
    with sent_to(settings.traces, service="proofgrid-gateway", permille=settings.traces_sample):
        await _run(settings, on_ready, drain, sibling)


async def _run(
    settings: GatewaySettings, on_ready: Callable[[GatewayFacts], None], drain: asyncio.Event, sibling: Sibling
) -> None:
    names = settings.role_names()
    async with open_adapters(settings, sibling) as world:
        gateway_id = GatewayId(fresh_uuid(world.clock))
        roles = build_roles(settings, world, gateway_id, sibling.chores)
        listener = build_listener(world.database, roles, gateway_id, sibling.chores)
        doors = build_doors(settings, world, roles, sibling)
        watched = Watched(settings, world, roles, sibling)
        async with watched.open(), _in_network(world, gateway_id, doors), asyncio.TaskGroup() as group:
            others = [*_other_work(names, roles, settings, world, sibling), *doors.work, *watched.work()]
            running = await _start(group, listener, roles, _selling(names, roles), others)
            sibling.on_prepared(gateway_id)
            await sibling.chores.wait_told()
            await doors.open()
            log.info(
                "gateway_ready",
                port=doors.grpc.port,
                network=world.keys.network,
                gateway_id=str(gateway_id),
                roles=sorted(names),
            )
            spare_what_stays()
            on_ready(_facts(world, doors, watched))
            await drain.wait()
            log.info("gateway_drains")
            await _drain(running, roles, doors)


@asynccontextmanager
async def _in_network(world: Adapters, gateway_id: GatewayId, doors: Doors) -> AsyncIterator[None]:
    """Join the network; in the end hang up on everybody and leave it."""
    async with world.database.transaction(Transaction.JOIN_NETWORK) as connection:
        await check_network(connection, world.keys.network)
        await connection.run(REGISTER_GATEWAY, gateway_id=gateway_id)
        world.store_keys.gateway_id = gateway_id
        await world.store_keys.note(connection)
    try:
        yield
    finally:
        await doors.close(grace_seconds=STOP_GRACE_SECONDS)
        # When the database is away, the others learn it from the silence.
        with suppress(Recoverable):
            await world.database.write(Transaction.GATEWAY_GONE, GATEWAY_GONE, gateway_id=gateway_id)


def _selling(names: Collection[str], roles: Roles) -> list[Work]:
    return [roles.market.run] if "market" in names else []


def _other_work(
    names: Collection[str], roles: Roles, settings: GatewaySettings, world: Adapters, sibling: Sibling
) -> list[Work]:
    """Return what runs beside the market: what every gateway does, what its chosen roles add, and what one does for all
    siblings.
    """
    desk = roles.desk
    work: list[Work] = [roles.admission.run, roles.task_watch.run, roles.health.run]
    work += [world.signing.watch, desk.keep_alive, desk.run, roles.settlement.run, *roles.lag]
    work += [world.keeper.run] if world.keeper is not None else []
    work += [roles.refused_calls.run, roles.intake.callers.calls.run, roles.intake.callers.api_keys.run]
    work += [roles.intake.keys.run, roles.intake.callers.abuse.run, roles.feeling.run, store_key_loop(world.store_keys)]
    work += [partial(strike_off, world.database, sibling.dead)]
    chores: dict[str, Work] = {"spent tokens": roles.intake.callers.forget_spent_tokens}
    chores["audit log"] = roles.audit_placing.run
    chores["audit check"] = roles.audit_check.run
    chores["incidents"] = roles.responding.run
    if is_watched(settings, sibling):
        chores["census"] = roles.census.run
    if "dispatcher" in names:
        chores["watch"] = roles.watch.run
        if roles.canaries is not None:
            chores["canaries"] = roles.canaries.run
    if "settlement" in names:
        work += [roles.combiner.run, roles.webhooks.run]
        chores["second looks"] = build_second_looks(world).run
        chores["spelling"] = roles.spelling.run
        chores["ledger check"] = roles.ledger_check.run
        chores["telling"] = roles.telling.run
        if roles.learning is not None:
            chores["learning"] = roles.learning.run
        chores |= tidying(settings, world.database, world.artifacts)
    return work + [partial(sibling.chores.do, chore, todo) for chore, todo in chores.items()]


async def strike_off(database: Database, dead: asyncio.Queue[GatewayId]) -> None:
    """Say of siblings that died that they are gone: what they were combining is free at once."""
    while True:
        gateway_id = await dead.get()
        # When the database is away, the others learn it from the silence.
        with suppress(Recoverable):
            await database.write(Transaction.GATEWAY_GONE, GATEWAY_GONE, gateway_id=gateway_id)


async def _start(
    group: asyncio.TaskGroup, listener: Listener, roles: Roles, selling: Iterable[Work], others: Iterable[Work]
) -> Running:
    """Start all work; nobody works before notifications are heard."""
    listening = group.create_task(listener.run())
    await listener.wait_listening()
    roles.intake.callers.hear()
    return Running(
        selling=[group.create_task(work()) for work in selling],
        others=[listening, *(group.create_task(work()) for work in others)],
    )


async def _drain(running: Running, roles: Roles, doors: Doors) -> None:
    """Sell nothing more, send provers and watchers to other gateways, let calls under way end, then stop all work."""
    await roles.health.drain()
    for task in running.selling:
        task.cancel()
    await roles.desk.move_all(patience_seconds=MOVE_PATIENCE_SECONDS)
    roles.task_watch.close()
    await doors.close(grace_seconds=DRAIN_GRACE_SECONDS)
    for task in running.others:
        task.cancel()


def _facts(world: Adapters, doors: Doors, watched: Watched) -> GatewayFacts:
    return GatewayFacts(
        address=doors.grpc.address,
        http="" if doors.http is None else doors.http.address,
        metrics=watched.address,
        network=world.keys.network,
        setup_for_development=world.roots.for_development,
        data_dir=world.data_dir,
    )
