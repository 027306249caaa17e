"""`proofgrid cancel`: stop a task."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_answer
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("cancel", short_help="Stop a task; the rest is refunded.")(run)


@with_client
def run(options: ClientOptions, task: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]) -> None:
    """Stop a task; what is not spent comes back to your account. Proofs already paid stay paid.

    \b
    Example:
      proofgrid cancel 0198c0de-0000-7000-8000-000000000000
    """
    ended = options.ask(lambda client: client.cancel(task))
    print_answer(ended, f"{ended.task_id} is {ended.state}; spent {format_amount(ended.spent)}", json=options.json)
