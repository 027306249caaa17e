"""Follows a task on the screen until it ends, or until the person has seen enough (Ctrl-C)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from proofgrid.cli.kit.bundle_report import check_file, print_report
from proofgrid.cli.kit.console import complain, print_json, say
from proofgrid.cli.kit.proven import say_written, write_proven
from proofgrid.primitives.errors import ProofgridError

if TYPE_CHECKING:
    from proofgrid.cli.kit.task_board import TaskBoard
    from proofgrid.cli.kit.task_screen import TaskScreen
    from proofgrid.sdk.client import Client

WAITS_EVERY_SECONDS = 2.0  #: so often a watcher asks why jobs wait, while some do


async def follow(client: Client, task_id: str, *, cursor: int = 0, json: bool = False) -> TaskBoard:
    """Show a task's events after `cursor` until it ends; raise the error that it failed with."""
    from proofgrid.cli.kit.task_board import TaskBoard
    from proofgrid.cli.kit.task_screen import TaskScreen

    board = TaskBoard()
    task = await client.task(task_id)
    if cursor:
        for job in task.jobs:
            line = board.job(job.input, job.slice)
            line.state, line.stage, line.permille, line.prover = job.state, job.stage, job.permille, job.prover
    with TaskScreen(json=json, board=board) as screen:
        # By its whole id from here on: a task that comes meanwhile may begin with the same digits.
        refusal = None
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(_ask_why_it_waits(client, task.task_id, screen))
            try:
                async with aclosing(client.watch(task.task_id, cursor=cursor)) as events:
                    async for event in events:
                        screen.show(event)
            except ProofgridError as error:
                refusal = error  # as it is, and not in a group
            finally:
                asking.cancel()
        if refusal is not None:
            raise refusal
    await _raise_if_failed(client, task.task_id)
    return board


async def _ask_why_it_waits(client: Client, task_id: str, screen: TaskScreen) -> None:
    """Ask again and again while jobs wait: the reasons change by the second, and only some are in the timeline."""
    while True:
        await asyncio.sleep(WAITS_EVERY_SECONDS)
        if any(job.state in ("ready", "waiting") for job in screen.board.jobs.values()):
            with suppress(ProofgridError):  # the stream of events tells what is wrong
                screen.waits((await client.task(task_id)).jobs)


async def _raise_if_failed(client: Client, task_id: str) -> None:

    from proofgrid.primitives.error_codes import error_of_code

    task = await client.task(task_id)
    if task.state != "done":
        raise error_of_code(task.failure_code, f"the task is {task.state}: {task.failure_detail}", field="task")


async def fetch(
    client: Client,
    task_id: str,
    out: Path,
    *,
    is_verified: bool,
    json: bool,
    output: Path | None = None,
    is_kept: bool = True,
) -> None:
    """Download a task's bundle and, unless told otherwise, verify it as a stranger would.

    `output` gets the proven numbers; a bundle that is not kept is not named.
    """
    task = await client.task(task_id)
    digest = await client.fetch_result(task.task_id, out)
    if not is_verified:
        if json:
            print_json({"file": str(out), "digest": digest, "verified": False})
        else:
            say(f"{out} ({digest}); not verified")
        return
    network = await client.connection.network()
    report = await asyncio.to_thread(check_file, out, program=task.program_digest, network=network)
    if output is not None:
        write_proven(report.manifest, output)
    print_report(report, out if is_kept else None, program=task.program_digest, network=network, json=json)
    say_written(output, json=json)


def say_detached(task_id: str) -> None:
    """Tell what goes on after Ctrl-C and how to come back."""
    complain(f"Detached: task {task_id} goes on without you.", style="yellow")
    complain(f"  proofgrid watch {task_id}     to see it again", style="yellow")
    complain(f"  proofgrid result {task_id} --out FILE     when it is done", style="yellow")
    complain(f"  proofgrid cancel {task_id}     to stop it and get the rest of the money back", style="yellow")
