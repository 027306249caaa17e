"""Builds a prover out of settings and runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofgrid.bootstrap.process_numbers import ProcessNumbers
from proofgrid.bootstrap.signing.keeper import SigningProcess, signing_process
from proofgrid.bootstrap.signing.signers import KeysToOpen, open_keys
from proofgrid.doors.metrics.listen import metrics_listen
from proofgrid.doors.metrics.server import MetricsDoor
from proofgrid.primitives.clock import Clock, SystemClock
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.private_files import private_folder
from proofgrid.primitives.signatures import Signer
from proofgrid.roles.prover.node import OnEvent, ProverNode
from proofgrid.roles.prover.self_check import CheckPlace, CheckReport, check_all
from proofgrid.sdk.connection import Connection
from proofgrid.settings.prover import ProverSettings
from proofgrid.telemetry.logs import configure_logs
from proofgrid.telemetry.metrics import of_process, of_prover
from proofgrid.telemetry.metrics.snapshot import Snapshot, take
from proofgrid.telemetry.otlp import sent_to

TRANSFER_PATIENCE_SECONDS = 30.0  #: how long a prover looks for a gateway before it gives a job back


async def run_prover(settings: ProverSettings, *, on_event: OnEvent, drain: asyncio.Event) -> None:
    """Run a prover until cancelled, or until `drain` is set and its last job is done."""
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    if settings.key is None:
        raise InvalidField(
            "a prover needs its operator's key", field="key", hint="proofgrid keys new --out operator.key"
        )
    gateways = settings.gateways()
    node_settings = settings.node()
    private_folder(node_settings.directory)
    network = settings.network or None
    clock = SystemClock()
    async with (
        _watched(settings, clock),
        signing_process("prover") as signing,
        Connection(
            gateways,
            await _operators_key(settings, signing),
            network=network,
            ca_file=settings.tls_ca,
            patience_seconds=TRANSFER_PATIENCE_SECONDS,
            clock=clock,
        ) as connection,
    ):
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
            helpers = [group.create_task(_drain_when(drain, node)), group.create_task(signing.watch())]
            await node.run()
            for helper in helpers:
                helper.cancel()


async def _operators_key(settings: ProverSettings, signing: SigningProcess) -> Signer:
    keys = KeysToOpen(key=settings.key, password=settings.key_password)
    (key,) = await asyncio.to_thread(open_keys, signing, keys)
    return key


@asynccontextmanager
async def _watched(settings: ProverSettings, clock: Clock) -> AsyncIterator[None]:
    """Let a prover's metrics be read, and send its traces on. Raises InvalidField where it cannot."""
    with sent_to(settings.traces, service="proofgrid-prover", permille=settings.traces_sample):
        async with _metrics_door(settings, clock):
            yield


@asynccontextmanager
async def _metrics_door(settings: ProverSettings, clock: Clock) -> AsyncIterator[None]:
    """Raises InvalidField where others could read them, or the address is taken."""
    listen = metrics_listen(settings.metrics, token=settings.metrics_token, is_open=settings.metrics_open)
    if listen is None:
        yield
        return
    process = ProcessNumbers(None, clock)

    def read() -> Snapshot:
        process.show()
        return take(of_prover, of_process)

    door = MetricsDoor(listen, read)
    await door.open()
    try:
        yield
    finally:
        await door.close()


async def _drain_when(drain: asyncio.Event, node: ProverNode) -> None:
    await drain.wait()
    node.drain()


async def run_self_check(settings: ProverSettings) -> list[CheckReport]:
    """Let every proof system of a prover that can check itself do so, now."""
    configure_logs(json_lines=settings.log_json, level=settings.log_level)
    node_settings = settings.node()
    scratch = private_folder(node_settings.directory) / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    place = CheckPlace(
        systems=node_settings.systems,
        known=node_settings.directory / "self-checks",
        scratch=scratch,
        cores=node_settings.cores,
    )
    return await check_all(place)
