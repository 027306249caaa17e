"""`proofgrid watch`: follow a task."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.failures import EXIT_INTERRUPTED
from proofgrid.cli.kit.following import follow, say_detached
from proofgrid.cli.kit.options import WATCH_PATIENCE_SECONDS, ClientOptions, with_client
from proofgrid.primitives.event_loop import run_async


def add_to(cli: typer.Typer) -> None:
    cli.command("watch", short_help="Follow a task.")(run)


@with_client
def run(
    options: ClientOptions,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")],
    cursor: Annotated[int, typer.Option("--cursor", min=0, help="Only what happened after this event.")] = 0,
) -> None:
    """Follow a task until it ends, through lost connections. Ctrl-C stops the watching, not the task.

    While jobs wait it says why, as far as that can be known, and what you can do about it.

    With --json every event is one line; its cursor is where another watch goes on. A line of the kind `waits` says why
    a job waits at that moment; it is no event and has no cursor.

    \b
    Example:
      proofgrid watch 0198c0de-0000-7000-8000-000000000000
      proofgrid watch 0198c0de-0000-7000-8000-000000000000 --json --cursor 17
    """
    try:
        run_async(_watch(options, task, cursor))
    except KeyboardInterrupt:
        if not options.json:
            say_detached(task)
        raise typer.Exit(EXIT_INTERRUPTED) from None


async def _watch(options: ClientOptions, task: str, cursor: int) -> None:
    async with options.client(patience_seconds=WATCH_PATIENCE_SECONDS) as client:
        await follow(client, task, cursor=cursor, json=options.json)
