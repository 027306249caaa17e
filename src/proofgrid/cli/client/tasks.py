"""`proofgrid tasks`: list your tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, print_answers
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("tasks", short_help="List your tasks.")(run)


@with_client
def run(
    options: ClientOptions,
    state: Annotated[str, typer.Option("--state", help="Only open, combining, done, failed or cancelled ones.")] = "",
    limit: LimitOption = 20,
) -> None:
    """List your tasks, newest first.

    \b
    Example:
      proofgrid tasks --state open
    """
    print_answers(
        options.ask(lambda client: client.tasks(state=state, limit=limit)),
        ("task", "state", "program", "inputs>", "PU>", "escrow>", "created (UTC)"),
        lambda task: (
            task.task_id,
            task.state + (f" {task.failure_code}" if task.failure_code else ""),
            task.program_digest[:12],
            task.inputs,
            task.units,
            format_amount(task.escrow),
            date_text(task.created_ms)[:16],
        ),
        empty="no tasks",
        json=options.json,
    )
