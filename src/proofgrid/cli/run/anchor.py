"""`proofgrid anchor`: hold a network to a chain."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import asdict
from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.lifeline import LifelineOption, stop_when_stdin_closes
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import with_settings
from proofgrid.primitives.event_loop import run_async
from proofgrid.settings.anchor import AnchorSettings


def add_to(cli: typer.Typer) -> None:
    cli.command("anchor", short_help="Hold a network to a chain: stake, slashes, money.")(run)


@with_settings(AnchorSettings)
def run(
    settings: AnchorSettings,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    lifeline: LifelineOption = False,
    json: JsonOption = False,
) -> None:
    """Read what operators have staked on EigenLayer, and ask the chain for slashes that bonds do not cover.

    With --vault, credit what clients paid in there, and post what operators and clients are paid out.

    It works on the database of the network beside its gateways, which need nothing of a chain. Any number may run;
    one of them acts. Without --slasher-key it only reads. Ctrl-C stops it; what it was doing goes on when it is back.

    \b
    Example:
      proofgrid anchor --data-dir proofgrid-data --avs 0xa852... --rpc https://node.example
      proofgrid anchor --avs 0xa852... --slasher-key slasher.json --stake-mode eigenlayer
      proofgrid anchor --avs 0xa852... --vault 0x5fbd... --slasher-key slasher.json
    """
    if lifeline:
        stop_when_stdin_closes()
    run_async(_hold(settings, once=once, json=json))


async def _hold(settings: AnchorSettings, *, once: bool, json: bool) -> None:
    from proofgrid.bootstrap.anchor import open_anchor

    async with open_anchor(settings) as (anchor, facts):
        if json:
            print_json(asdict(facts))
        else:
            acts = f"slashes are proposed by {facts.slasher}" if facts.slasher else "it only reads"
            say(f"holds the network to {facts.avs}; bonds stand on: {facts.mode.value}; {acts}", style="bold green")
            if facts.vault:
                say(f"its money is in {facts.vault}", style="bold green")
        working = asyncio.ensure_future(anchor.step() if once else anchor.run())
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)
        try:
            await working
        except asyncio.CancelledError:
            say("stopped")
