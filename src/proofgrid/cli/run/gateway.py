"""`proofgrid gateway`: run a gateway, which is a whole network when it is the only one."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.lifeline import LifelineOption, stop_when_stdin_closes
from proofgrid.cli.kit.options import JsonOption, run_async
from proofgrid.rules.ledger.settlement import SurplusTo

if TYPE_CHECKING:
    from proofgrid.bootstrap.gateway import GatewayFacts
    from proofgrid.settings import GatewaySettings

LIMITS = "Limits per client"
STAKE = "Bonds"
TIMING = "Market and leases"
REPUTATION = "Reputation"
FIRM = "Firm quotes"


def add_to(cli: typer.Typer) -> None:
    cli.command("gateway", short_help="Run a gateway.")(run)


def run(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything lives. [default: your data directory]")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="host:port; port 0 takes a free one. [default: 127.0.0.1:7400]")
    ] = None,
    roles: Annotated[
        str | None,
        typer.Option(help="Of api, market, dispatcher, settlement; the dispatcher needs the api. [default: all]"),
    ] = None,
    dsn: Annotated[
        str | None, typer.Option(help="PostgreSQL to use. [default: an embedded one in the data directory]")
    ] = None,
    artifacts: Annotated[
        str | None,
        typer.Option(help="Folder, s3://…, gs://… or az://… for artifacts. [default: in the data directory]"),
    ] = None,
    artifacts_mirror: Annotated[
        str | None, typer.Option(help="A second store that gets a copy of every artifact. [default: none]")
    ] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(help="How long artifacts stay that nothing needs any more; 0: for ever. [default: 30]"),
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help="Certificate chain (PEM); needed beyond this machine.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    network_key: Annotated[
        Path | None,
        typer.Option(help="The network's key. [default: network.key in the data directory, made when missing]"),
    ] = None,
    srs_file: Annotated[
        Path | None,
        typer.Option(
            help="SRS of a real ceremony: a file, or a folder of kzg<k>.srs. [default: one for development is made]"
        ),
    ] = None,
    srs_logrows: Annotated[
        int | None, typer.Option(help="Largest size of the development SRS, as a power of two. [default: 15]")
    ] = None,
    subnetwork: Annotated[
        str | None, typer.Option(help="The subnetwork of tasks and provers that name none. [default: default]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that normalise, build and verify. [default: 2]")
    ] = None,
    database_connections: Annotated[int | None, typer.Option(help="Connections to PostgreSQL. [default: 10]")] = None,
    round_interval_ms: Annotated[
        int | None, typer.Option(help="Least time between two rounds of a lane. [default: 100]", rich_help_panel=TIMING)
    ] = None,
    reference_price: Annotated[
        int | None,
        typer.Option(help="Of a lane without rounds, base units per PU. [default: 1000]", rich_help_panel=TIMING),
    ] = None,
    class_limits: Annotated[
        str | None,
        typer.Option(
            help="Memory and PU of a job of each class; large holds the rest."
            " [default: small=2GiB:60000,medium=16GiB:600000]",
            rich_help_panel=TIMING,
        ),
    ] = None,
    horizon_ms: Annotated[
        int | None,
        typer.Option(
            help="A prover gets no job that it needs longer for, at its measured speed. [default: 900000]",
            rich_help_panel=TIMING,
        ),
    ] = None,
    run_ms_floor: Annotated[
        int | None, typer.Option(help="How long any job may take. [default: 60000]", rich_help_panel=TIMING)
    ] = None,
    run_ms_per_unit: Annotated[
        int | None, typer.Option(help="How much longer for each PU. [default: 20]", rich_help_panel=TIMING)
    ] = None,
    pick_up_ms: Annotated[
        int | None,
        typer.Option(
            help="How long until a prover is told of a lease, and until it starts. [default: 5000]",
            rich_help_panel=TIMING,
        ),
    ] = None,
    report_ms: Annotated[
        int | None,
        typer.Option(help="How long until a result is verified and stored. [default: 150000]", rich_help_panel=TIMING),
    ] = None,
    heartbeat_ms: Annotated[
        int | None, typer.Option(help="How often provers report. [default: 1000]", rich_help_panel=TIMING)
    ] = None,
    lease_ttl_ms: Annotated[
        int | None,
        typer.Option(help="How long a lease lives without a heartbeat. [default: 6000]", rich_help_panel=TIMING),
    ] = None,
    reconnect_grace_ms: Annotated[
        int | None, typer.Option(help="How long a lost prover may come back. [default: 2000]", rich_help_panel=TIMING)
    ] = None,
    attempts_max: Annotated[
        int | None, typer.Option(help="Attempts per job before its task fails. [default: 5]", rich_help_panel=TIMING)
    ] = None,
    reputation_half_life_days: Annotated[
        int | None,
        typer.Option(help="What provers did counts half after so long. [default: 7]", rich_help_panel=REPUTATION),
    ] = None,
    pause_after_faults_in_row: Annotated[
        int | None,
        typer.Option(help="Faults in a row that pause a prover; 0: never. [default: 3]", rich_help_panel=REPUTATION),
    ] = None,
    pause_after_faults_of_ten: Annotated[
        int | None,
        typer.Option(help="Or faults among its last ten jobs; 0: never. [default: 5]", rich_help_panel=REPUTATION),
    ] = None,
    pause_first_ms: Annotated[
        int | None,
        typer.Option(help="The first pause; each is twice the last. [default: 30000]", rich_help_panel=REPUTATION),
    ] = None,
    pause_max_ms: Annotated[
        int | None, typer.Option(help="The longest pause. [default: 3600000]", rich_help_panel=REPUTATION)
    ] = None,
    canaries_per_hour: Annotated[
        int | None,
        typer.Option(help="Jobs of the network's own, paid by the treasury. [default: 0]", rich_help_panel=REPUTATION),
    ] = None,
    canary_new_prover: Annotated[
        bool | None,
        typer.Option(
            "--canary-new-prover/--no-canary-new-prover",
            help="New provers start with one slot and earn the others. [default: no]",
            rich_help_panel=REPUTATION,
        ),
    ] = None,
    hedges_max: Annotated[
        int | None,
        typer.Option(help="Second leases of one slow job; 0: never. [default: 2]", rich_help_panel=TIMING),
    ] = None,
    stake_permille: Annotated[
        int | None,
        typer.Option(
            help="Bond that leases bind, in 1/1000 of their value; 0: none. [default: 0]", rich_help_panel=STAKE
        ),
    ] = None,
    stake_overcommit: Annotated[
        int | None,
        typer.Option(help="A bond carries so many times its amount. [default: 1]", rich_help_panel=STAKE),
    ] = None,
    unbonding_ms: Annotated[
        int | None,
        typer.Option(help="How long a bond can be slashed after notice. [default: 7 days]", rich_help_panel=STAKE),
    ] = None,
    fee_permille: Annotated[
        int | None,
        typer.Option(help="Of what operators are paid, to the treasury. [default: 0]", rich_help_panel=TIMING),
    ] = None,
    surplus: Annotated[
        SurplusTo | None,
        typer.Option(
            help="Where what clients pay beyond what operators receive goes. [default: treasury]",
            rich_help_panel=TIMING,
        ),
    ] = None,
    firm_quotes: Annotated[
        bool | None,
        typer.Option(
            "--firm-quotes/--no-firm-quotes",
            help="Sell promises of cost and time; the treasury covers them. Ask for stakes as well. [default: no]",
            rich_help_panel=FIRM,
        ),
    ] = None,
    firm_margin_permille: Annotated[
        int | None,
        typer.Option(help="On top of the price that sells nine times of ten. [default: 100]", rich_help_panel=FIRM),
    ] = None,
    firm_premium_permille: Annotated[
        int | None,
        typer.Option(help="Of the cost, for every minute that it is held. [default: 5]", rich_help_panel=FIRM),
    ] = None,
    firm_penalty_permille: Annotated[
        int | None,
        typer.Option(help="Of the cost, to the client, when a promise is missed. [default: 200]", rich_help_panel=FIRM),
    ] = None,
    firm_limit_permille: Annotated[
        int | None,
        typer.Option(help="Of the price: what the network bids at most. [default: 2000]", rich_help_panel=FIRM),
    ] = None,
    firm_hold_ms_max: Annotated[
        int | None,
        typer.Option(help="How long a quote is held at most. [default: an hour]", rich_help_panel=FIRM),
    ] = None,
    requests_per_second: Annotated[
        int | None, typer.Option(help="Steady calls. [default: 50]", rich_help_panel=LIMITS)
    ] = None,
    requests_burst: Annotated[
        int | None, typer.Option(help="Calls at once. [default: 200]", rich_help_panel=LIMITS)
    ] = None,
    open_tasks: Annotated[
        int | None, typer.Option(help="Tasks that are not ended. [default: 1000]", rich_help_panel=LIMITS)
    ] = None,
    stored_bytes: Annotated[
        int | None, typer.Option(help="Bytes of artifacts. [default: 2 GiB]", rich_help_panel=LIMITS)
    ] = None,
    upload_bytes: Annotated[
        int | None, typer.Option(help="Bytes of one upload. [default: 256 MiB]", rich_help_panel=LIMITS)
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. [default: info]")] = None,
    log_json: Annotated[bool | None, typer.Option("--log-json/--no-log-json", help="Logs as JSON lines.")] = None,
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
    """
    flags: dict[str, Any] = {name: value for name, value in locals().items() if name not in ("lifeline", "json")}
    from proofgrid.settings import GatewaySettings, load_settings

    settings = load_settings(GatewaySettings, **flags)
    if lifeline:
        stop_when_stdin_closes()
    run_async(_serve(settings, json=json))


async def _serve(settings: GatewaySettings, *, json: bool) -> None:
    from proofgrid.bootstrap.gateway import run_gateway

    drain = asyncio.Event()
    is_ready = False
    asked_to_stop = False

    def on_ready(facts: GatewayFacts) -> None:
        nonlocal is_ready
        is_ready = True
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
                "network": facts.network,
                "srs_for_development": facts.setup_for_development,
                "data_dir": str(facts.data_dir),
            }
        )
        return
    where = f"at {facts.address}" if facts.address else "without a port"
    say(f"ready {where}, network {facts.network}", style="bold green")
    if facts.setup_for_development:
        complain(
            "WARNING: the SRS of this network was made on this machine, FOR DEVELOPMENT ONLY. Whoever made it could\n"
            "forge proofs. Give the file of a real ceremony with --srs-file before anybody relies on what is proven."
        )
