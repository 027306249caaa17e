"""`proofgrid engines`: the versions of proof systems that a network has, who runs them, and which were stopped."""

from __future__ import annotations

import typer

from proofgrid.cli.kit.console import say
from proofgrid.cli.kit.engine_table import print_engines
from proofgrid.cli.kit.options import ClientOptions, with_client


def add_to(cli: typer.Typer) -> None:
    cli.command("engines", short_help="List the versions of proof systems in a network.", rich_help_panel="Look")(run)


@with_client
def run(options: ClientOptions) -> None:
    """List the engines of a network: versions of proof systems, their provers and their work.

    A version has drained when it has no open tasks any more: then its provers and its gateway can go.

    \b
    Example:
      proofgrid engines
      proofgrid engines --json > engines.json && proofgrid verify answer.bundle --engines engines.json
    """
    engines = options.ask(lambda client: client.engines.known())
    print_engines(engines, json=options.json)
    if not options.json:
        for one in engines:
            if one.stopped_ms:
                say(f"{one.engine} is stopped: {one.stopped_reason}", style="bold red")
