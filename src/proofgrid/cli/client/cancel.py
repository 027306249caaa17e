"""`proofgrid cancel`: stop a task."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import plain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, run_async, with_client
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
    run_async(_cancel(options, task))


async def _cancel(options: ClientOptions, task_id: str) -> None:
    async with options.client() as client:
        task = await client.cancel(task_id)
    if options.json:
        print_json(plain(task))
    else:
        say(f"{task.task_id} is {task.state}; spent {format_amount(task.spent)}")
