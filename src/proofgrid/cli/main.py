"""The command line: `proofgrid VERB …`. Errors become two lines and an exit code here, for every command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import proofgrid
from proofgrid.cli.admin import (
    access,
    audit,
    canary,
    dead_letters,
    engine,
    evidence,
    incidents,
    ledger,
    network_keys,
    storage,
    store_keys,
    subnetwork,
    treasury,
)
from proofgrid.cli.chain import devnet, owner
from proofgrid.cli.chain import stake as chain
from proofgrid.cli.chain import vault as money
from proofgrid.cli.client import (
    account,
    api_keys,
    cancel,
    deliver,
    keys,
    program,
    program_contract,
    program_keygen,
    program_operators,
    program_settings,
    program_sharing,
    quota,
    quote,
    quotes,
    result,
    sign_in,
    srs,
    statement,
    submit,
    systems,
    tasks,
    vault,
    verify,
    watch,
    webhook,
)
from proofgrid.cli.demo import demo, drill
from proofgrid.cli.kit.failures import exit_with
from proofgrid.cli.market import clear, engines, order_proofs, record, rounds, simulate, sizes, status
from proofgrid.cli.operator import operators, stake
from proofgrid.cli.run import anchor, doctor, gateway, prover
from proofgrid.cli.run import config as config_files

HELP = """
A network that proves things: requests are cut into slices, slices are sold to provers in a truthful double auction,
every proof is verified before it is paid, and the result can be verified by anybody, offline.

See it all on this machine first:

\b
  proofgrid demo

Then step by step. A network (one terminal), with its administrator's key in the data directory:

\b
  proofgrid gateway

A key for yourself, let in and given money by the administrator:

\b
  proofgrid keys new --out me.key
  proofgrid admin grant ADDRESS client
  proofgrid admin deposit ADDRESS 10

An operator's prover (another terminal), whose address was granted the role operator:

\b
  proofgrid prover --key operator.key --ask 0.8/M

A proof:

\b
  proofgrid program register model.onnx --key me.key
  proofgrid submit PROGRAM input.json --key me.key \\
      --limit-price 1.5/M --wait
  proofgrid result TASK --key me.key --out answer.bundle
  proofgrid verify answer.bundle --program PROGRAM

Settings come from flags, PROOFGRID_… variables (PROOFGRID_GATEWAY, PROOFGRID_KEY, …) and a TOML file, in this order.
"""

cli = typer.Typer(
    name="proofgrid",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

WORK = (demo, gateway, prover, anchor, quote, quotes, submit, watch, result, verify, deliver, cancel, tasks, sign_in)
LOOKS = (status, operators, engines, rounds, sizes, systems, simulate)
for verb in (*WORK, *LOOKS):
    verb.add_to(cli)
ledger.add_to(access.group)
access.group.add_typer(dead_letters.group)
storage.add_to(access.group)
access.group.add_typer(evidence.group)
engine.add_to(access.group)
incidents.add_to(access.group)
drill.add_to(access.group)
access.group.add_typer(audit.group)
access.group.add_typer(network_keys.group)
access.group.add_typer(store_keys.group)
treasury.add_to(access.group)
statement.add_to(account.group)
quota.add_to(account.group)
access.group.add_typer(canary.group)
record.add_to(clear.group)
order_proofs.add_to(clear.group)
subnetwork.add_to(access.group)
program_settings.add_to(program.group)
program_operators.add_to(program.group)
program_keygen.add_to(program.group)
program_contract.add_to(program.group)
program_sharing.add_to(program.group)
devnet.add_to(chain.group)
owner.add_to(chain.group)
vault.add_to(money.group)
for group in (program, account, keys, api_keys, webhook, access, srs, clear, stake, chain, money, config_files, doctor):
    cli.add_typer(group.group)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"proofgrid {proofgrid.__version__}")
        raise typer.Exit


@cli.callback()
def common(
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).", metavar="FILE")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if config is not None:
        os.environ["PROOFGRID_CONFIG"] = str(config)


def app() -> None:
    """Run the command line; the process's entry point."""
    # We start other programs while gRPC runs, but never use gRPC in a fork; its handlers for that only complain.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    try:
        cli(prog_name="proofgrid")
    except (Exception, BaseExceptionGroup) as error:
        exit_with(error)


if __name__ == "__main__":
    app()
