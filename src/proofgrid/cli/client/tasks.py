"""`proofgrid tasks`: list your tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table
from proofgrid.cli.kit.options import ClientOptions, run_async, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("tasks", short_help="List your tasks.")(run)


@with_client
def run(
    options: ClientOptions,
    state: Annotated[str, typer.Option("--state", help="Only open, combining, done, failed or cancelled ones.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 20,
) -> None:
    """List your tasks, newest first.

    \b
    Example:
      proofgrid tasks --state open
    """
    run_async(_list(options, state, limit))


async def _list(options: ClientOptions, state: str, limit: int) -> None:
    async with options.client() as client:
        tasks = await client.tasks(state=state, limit=limit)
    if options.json:
        print_json([plain(task) for task in tasks])
        return
    rows = [
        (
            task.task_id,
            task.state + (f" {task.failure_code}" if task.failure_code else ""),
            task.program_digest[:12],
            task.inputs,
            task.units,
            format_amount(task.escrow),
            date_text(task.created_ms)[:16],
        )
        for task in tasks
    ]
    columns = ("task", "state", "program", "inputs>", "PU>", "escrow>", "created (UTC)")
    print_table(columns, rows, empty="no tasks")
