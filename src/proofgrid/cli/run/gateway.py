"""`proofgrid gateway`: run a gateway, which is a whole network when it is the only one."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.lifeline import LifelineOption, stop_when_stdin_closes
from proofgrid.cli.kit.missing import complain_of_missing_systems
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.private_files import keep_files_private
from proofgrid.proofs.confinement.kernel import forget_secrets, hide_memory
from proofgrid.settings.gateway import GatewaySettings

if TYPE_CHECKING:
    from proofgrid.bootstrap.gateway.running import GatewayFacts


def add_to(cli: typer.Typer) -> None:
    cli.command("gateway", short_help="Run a gateway.")(run)


@with_settings(GatewaySettings)
def run(
    settings: GatewaySettings,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask the gateway at --listen whether it serves; exit code 0 or 1.")
    ] = False,
    lifeline: LifelineOption = False,
    json: JsonOption = False,
) -> None:
    """Run a gateway with an embedded PostgreSQL, or several on one database, with the same network key.

    SIGTERM and Ctrl-C stop it cleanly: provers and watchers are sent to the other gateways first. Once more: at once.

    The network's key in the data directory is its first administrator: keep it safe.

    \b
    Example:
      proofgrid gateway
      proofgrid gateway --listen 0.0.0.0:7400 --tls-certificate chain.pem --tls-key key.pem --srs-file ceremony.srs
      proofgrid gateway --check
    """
    if check:
        _check(settings, json=json)
        return
    keep_files_private()
    if lifeline:
        stop_when_stdin_closes()
    complain_of_missing_systems()
    run_async(_serve(settings, json=json))


def _check(settings: GatewaySettings, *, json: bool) -> None:
    from proofgrid.bootstrap.gateway.doors import target_of
    from proofgrid.sdk.health import check_health

    target = target_of(settings)
    run_async(check_health(target, certificate=settings.tls_certificate))
    if json:
        print_json({"serving": True, "address": target.address})
    else:
        say(f"the gateway at {target.address} serves", style="bold green")


async def _serve(settings: GatewaySettings, *, json: bool) -> None:
    if settings.processes > 1:
        from proofgrid.bootstrap.gateway.several.supervisor import run_siblings as run_gateway
    else:
        from proofgrid.bootstrap.gateway.running import run_gateway

    hide_memory()
    drain = asyncio.Event()
    is_ready = False
    asked_to_stop = False

    def on_ready(facts: GatewayFacts) -> None:
        nonlocal is_ready
        is_ready = True
        if settings.processes == 1:  # several: those that are started again need what their stores are opened with
            forget_secrets()
        _say_ready(facts, json=json)

    serving = asyncio.ensure_future(run_gateway(settings, on_ready=on_ready, drain=drain))

    def stop() -> None:
        nonlocal asked_to_stop
        if is_ready and not drain.is_set():
            drain.set()
        elif not asked_to_stop:  # one more cancel would interrupt the cleaning up
            asked_to_stop = True
            serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await serving
    except asyncio.CancelledError:
        if not asked_to_stop:
            raise


def _say_ready(facts: GatewayFacts, *, json: bool) -> None:
    if json:
        print_json(
            {
                "event": "ready",
                "address": facts.address,
                "http": facts.http,
                "network": facts.network,
                "srs_for_development": facts.setup_for_development,
                "data_dir": str(facts.data_dir),
                "processes": facts.processes,
                "metrics": facts.metrics,
            }
        )
        return
    where = f"at {facts.address}" if facts.address else "without a port"
    how = f", {facts.processes} processes" if facts.processes > 1 else ""
    where += f", {facts.http}" if facts.http else ""
    say(f"ready {where}, network {facts.network}{how}", style="bold green")
    if facts.metrics:
        say(f"metrics at {facts.metrics}")
    if facts.setup_for_development:
        complain(
            "WARNING: the SRS of this network is made on this machine, FOR DEVELOPMENT ONLY. Who has its key could\n"
            "forge proofs. Give the file of a real ceremony with --srs-file before anybody relies on what is proven."
        )
