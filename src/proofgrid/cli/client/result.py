"""`proofgrid result`: download a finished task's bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.following import fetch
from proofgrid.cli.kit.options import ClientOptions, run_async, with_client


def add_to(cli: typer.Typer) -> None:
    cli.command("result", short_help="Download and verify a task's bundle.")(run)


@with_client
def run(
    options: ClientOptions,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write the bundle.")],
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Check it on this machine.")] = True,
) -> None:
    """Download a task's bundle and verify it here: program, network, every proof, every link.

    \b
    Example:
      proofgrid result 0198c0de-0000-7000-8000-000000000000 --out answer.bundle
    """
    run_async(_fetch(options, task, out, is_verified=verify))


async def _fetch(options: ClientOptions, task: str, out: Path, *, is_verified: bool) -> None:
    async with options.client() as client:
        await fetch(client, task, out, is_verified=is_verified, json=options.json)
