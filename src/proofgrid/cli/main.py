"""The command line: `proofgrid VERB …`. Errors become two lines and an exit code here, for every command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

import proofgrid
from proofgrid.cli.kit.failures import exit_with
from proofgrid.cli.verbs import VERBS, add_verbs, asked_verb, typed_so_far

COMPLETION = "_PROOFGRID_COMPLETE"  #: set where a shell asks how a line goes on
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


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"proofgrid {proofgrid.__version__}")
        raise typer.Exit


def common(
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).", metavar="FILE")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if config is not None:
        os.environ["PROOFGRID_CONFIG"] = str(config)


def command_line(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """Return the command line with some verbs, or with all; a verb's modules are loaded, and can be added once."""
    cli = typer.Typer(
        name="proofgrid",
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        callback=common,
    )
    add_verbs(cli, verbs)
    return cli


@cache
def whole_command_line() -> typer.Typer:
    """Return the command line with all its verbs, as its documents and its tests look at it."""
    return command_line()


def app() -> None:
    """Run the command line; the process's entry point."""
    # We start other programs while gRPC runs, but never use gRPC in a fork; its handlers for that only complain.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    verb = asked_verb(typed_so_far(os.environ) if COMPLETION in os.environ else sys.argv[1:])
    cli = whole_command_line() if verb is None else command_line([verb])
    try:
        cli(prog_name="proofgrid")
    except (Exception, BaseExceptionGroup) as error:
        exit_with(error)


if __name__ == "__main__":
    app()
