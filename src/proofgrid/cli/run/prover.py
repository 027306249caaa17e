"""`proofgrid prover`: offer this machine's capacity to a network and be paid for proofs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.lifeline import LifelineOption, stop_when_stdin_closes
from proofgrid.cli.kit.missing import complain_of_missing_systems
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.last_words import without_last_words
from proofgrid.primitives.money import format_amount
from proofgrid.primitives.private_files import keep_files_private
from proofgrid.proofs.confinement.kernel import forget_secrets, hide_memory
from proofgrid.settings.prover import ProverSettings

_STYLES = {
    "paid": "green",
    "connected": "bold green",
    "refused": "red",
    "failed": "red",
    "late": "yellow",
    "disconnected": "yellow",
    "paused": "bold yellow",
    "waiting_for_name": "bold yellow",
    "resting": "bold yellow",
}


def add_to(cli: typer.Typer) -> None:
    cli.command("prover", short_help="Run a prover.")(run)


@with_settings(ProverSettings)
def run(
    settings: ProverSettings,
    self_check: Annotated[
        bool, typer.Option("--self-check", help="Only check that this machine proves; exit code 0 if it does, else 1.")
    ] = False,
    lifeline: LifelineOption = False,
    json: JsonOption = False,
) -> None:
    """Run a prover. Ctrl-C or SIGTERM: take no new jobs, finish the held ones, stop. Ctrl-C again: stop now.

    After failures of its own in a row a prover rests: it takes no new jobs until a self-check passes. The network
    pauses provers that fail again and again, and says until when and why; see proofgrid operators.

    Its operator's address needs the role operator: proofgrid admin grant ADDRESS operator.

    \b
    Example:
      proofgrid prover --key operator.key --name rack-7 --ask 0.8/M --slots 2 --cores 4
      proofgrid prover --key operator.key --classes small,medium,large --ask 0.8/M --class-asks large=1.2/M
      proofgrid prover --key operator.key --subnetwork acme --subnetwork default
      proofgrid prover --self-check
      proofgrid prover --gateway grpcs://gateway.example:7400 --network 0x… --key operator.key
    """
    keep_files_private()
    complain_of_missing_systems()
    if self_check:
        _check(settings, json=json)
        return
    hide_memory()
    forget_secrets()  # the settings have them
    if lifeline:
        stop_when_stdin_closes()
    run_async(_prove(settings, json=json))


def _check(settings: ProverSettings, *, json: bool) -> None:
    from proofgrid.bootstrap.prover import run_self_check

    reports = run_async(run_self_check(settings))
    if json:
        print_json({"passed": all(one.passed for one in reports), "checks": [asdict(one) for one in reports]})
    else:
        for one in reports:
            verdict = "passed" if one.passed else "FAILED"
            say(f"{one.proof_system}: {verdict}: {one.said}", style="green" if one.passed else "bold red")
        if not reports:
            say("no installed proof system offers a self-check", style="yellow")
    if not all(one.passed for one in reports):
        raise typer.Exit(EXIT_FAILED)


async def _prove(settings: ProverSettings, *, json: bool) -> None:
    from proofgrid.bootstrap.prover import run_prover

    drain = asyncio.Event()

    def on_event(what: str, details: Mapping[str, object]) -> None:
        if json:
            print_json({"event": what, **details})
        else:
            say(event_sentence(what, details), style=_STYLES.get(what, ""))

    proving = asyncio.ensure_future(run_prover(settings, on_event=on_event, drain=drain))

    def stop() -> None:
        if drain.is_set():
            proving.cancel()
        elif not json:
            say("finishing what is held; once more to stop now", style="yellow")
        drain.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await proving
    except asyncio.CancelledError:
        if not drain.is_set():
            raise


def event_sentence(what: str, details: Mapping[str, object]) -> str:
    """Return one line about something that happened to a prover."""
    match what:
        case "connected":
            return f"connected as {details.get('prover')}"
        case "stage":
            return f"slice {details.get('slice')}: {details.get('stage')}"
        case "paid":
            earned = details.get("earned")
            amount = format_amount(earned) if isinstance(earned, int) else str(earned)
            return f"slice {details.get('slice')}: proof accepted, earned {amount} for {details.get('units')} PU"
        case "late":
            return f"slice {details.get('slice')}: proven, and its lease is over: {details.get('reason')}; offered late"
        case "paused":
            return f"paused by the network: {details.get('reason')}"
        case "resumed":
            return f"no longer paused: {details.get('reason')}"
        case "resting":
            return f"resting until a self-check passes: {details.get('reason')}"
        case "self_check_failed":
            return f"the self-check failed: {details.get('reason')}; again in {details.get('again_in_seconds')} s"
        case "offering":
            return f"offering again: {details.get('reason')}"
        case "keys":
            return _keys_sentence(details)
        case "waiting_for_name":
            return f"waiting {details.get('seconds_left')} s for the other one's silence: {details.get('reason')}"
        case "draining":
            return f"draining: {details.get('held')} jobs to finish"
    rest = ", ".join(f"{name} {without_last_words(str(value))}" for name, value in details.items())
    return f"{what}: {rest}" if rest else what


def _keys_sentence(details: Mapping[str, object]) -> str:
    sizes = [
        f"{value / (1 << 20):,.0f} MiB" for value in (details["bytes"], details["bytes_max"]) if isinstance(value, int)
    ]
    removed = f"; {details['removed']} not used for longest removed" if details["removed"] else ""
    return f"proving keys kept: {details['kept']}, {' of '.join(sizes)}{removed}"
