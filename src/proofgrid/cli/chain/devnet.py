"""`proofgrid chain devnet`: a chain of one's own, with EigenLayer and our contracts on it."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, print_table, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.event_loop import run_async
from proofgrid.primitives.signatures import parse_address

if TYPE_CHECKING:
    from proofgrid.chain.devnet.network import ChainNetwork

_PEOPLE_SHOWN = 6
_DEFAULT_NETWORK = "0x0000000000000000000000000000000000000001"


def add_to(cli: typer.Typer) -> None:
    cli.command("devnet", short_help="Run a local chain with everything on it.")(devnet)


def devnet(
    network: Annotated[
        str, typer.Option("--network", metavar="ADDRESS", help="Address of your network's key: the judge reads it.")
    ] = _DEFAULT_NETWORK,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Where it listens; 0: any free port.")] = 8545,
    json: JsonOption = False,
) -> None:
    """Run a local chain with EigenLayer's own core, our contracts, and people who have money.

    What it needs comes from package registries the first time, checked by hash. Ctrl-C ends it, and nothing is kept.

    \b
    Example:
      pip install 'proofgrid[chain]'
      proofgrid chain devnet
      proofgrid chain devnet --port 0 --json
    """
    run_async(_serve(str(parse_address(network, field="network")), port, json=json))


async def _serve(network: str, port: int, *, json: bool) -> None:
    from proofgrid.chain.devnet.anvil import running
    from proofgrid.chain.devnet.network import deploy_network

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    complain("starting a local chain ...", style="dim")
    with tempfile.TemporaryDirectory() as place:
        async with running(Path(place) / "anvil.log", port=port) as chain:
            _show(await deploy_network(chain, network), json=json)
            await stop.wait()


def _show(network: ChainNetwork, *, json: bool) -> None:
    contracts = {
        "EigenLayer AllocationManager": network.service.core.allocations,
        "EigenLayer DelegationManager": network.service.core.delegation,
        "EigenLayer StrategyManager": network.service.core.strategies,
        "strategy": network.service.strategy,
        "token (anybody mints)": network.service.token,
        "ProofgridAvs": network.service.avs,
        "ClaimJudge": str(network.judge.address),
        "ProgramVerifiers": str(network.verifiers.address),
        "ProofgridVault": str(network.vault.address),
    }
    people = [network.chain.person(number) for number in range(_PEOPLE_SHOWN)]
    if json:
        print_json(
            {
                "url": network.chain.url,
                "contracts": contracts,
                "people": [{"address": one.address, "secret": f"0x{one.account.key.hex()}"} for one in people],
            }
        )
        return
    say(f"a local chain listens on {network.chain.url}", style="bold green")
    print_table(["contract", "address"], list(contracts.items()), empty="")
    roles = ["owner: may veto, strikes batches", "slasher: proposes slashes, posts batches"]
    roles += ["anybody"] * (_PEOPLE_SHOWN - len(roles))
    rows = [(role, one.address, f"0x{one.account.key.hex()}") for role, one in zip(roles, people, strict=True)]
    print_table(["who", "address", "private key (everybody knows it)"], rows, empty="")
    say("Ctrl-C ends it; nothing is kept")
