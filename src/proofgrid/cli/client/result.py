"""`proofgrid result`: what a finished task proved, and its bundle."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import say
from proofgrid.cli.kit.following import fetch
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.cli.kit.proven import OutputOption, check_suffix
from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.event_loop import run_async


def add_to(cli: typer.Typer) -> None:
    cli.command("result", short_help="Show what a task proved, verified here.")(run)


@with_client
def run(
    options: ClientOptions,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Keep the bundle here, for whoever doubts it.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Check it on this machine.")] = True,
    output: OutputOption = None,
) -> None:
    """Show what a task proved: its bundle is downloaded and verified here; program, network, every proof, every link.

    \b
    Example:
      proofgrid result 0198c0de-0000-7000-8000-000000000000
      proofgrid result 0198c0de --out answer.bundle --output scores.npy
    """
    check_suffix(output)
    if not verify and (out is None or output is not None):
        raise InvalidField("what is not verified is only kept", field="verify", hint="--out FILE, without --output")
    run_async(_fetch(options, task, out, is_verified=verify, output=output))


async def _fetch(
    options: ClientOptions, task: str, out: Path | None, *, is_verified: bool, output: Path | None
) -> None:
    with tempfile.TemporaryDirectory(prefix="proofgrid-result-") as scratch:
        place = out or Path(scratch) / "result.bundle"
        async with options.client() as client:
            await fetch(
                client,
                task,
                place,
                is_verified=is_verified,
                json=options.json,
                output=output,
                is_kept=out is not None,
            )
    if out is None and not options.json:
        say("the bundle was not kept; --out FILE keeps it")
