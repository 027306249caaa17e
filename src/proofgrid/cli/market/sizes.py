"""`proofgrid sizes`: what proof systems say of their jobs, and what verified jobs took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from proofgrid.cli.kit.console import date_text, print_answers
from proofgrid.cli.kit.options import ClientOptions, with_client

if TYPE_CHECKING:
    from proofgrid.sdk.answers.network import Size


def add_to(cli: typer.Typer) -> None:
    cli.command("sizes", short_help="Compare what jobs were said to need with what they took.")(run)


@with_client
def run(options: ClientOptions) -> None:
    """Compare what proof systems say of units and memory with what verified jobs took, by slice, size and engine.

    New jobs have the units and the memory of their nearest scope that was corrected. 1.25 means a quarter more than is
    said. Measured is only what at least three operators tell, each by the time of its own jobs.

    \b
    Example:
      proofgrid sizes
      proofgrid sizes --json
    """
    print_answers(
        options.ask(lambda client: client.sizes()),
        (
            "engine",
            "jobs",
            "PU x>",
            "measured x>",
            "memory x>",
            "measured x>",
            "operators>",
            "proofs>",
            "correction>",
            "since (UTC)",
        ),
        _row,
        empty="no gateway has learned sizes yet",
        json=options.json,
    )


def _row(one: Size) -> tuple[object, ...]:
    return (
        one.engine,
        _jobs(one.scope),
        _times(one.units_permille),
        _times(one.measured_permille),
        _times(one.memory_permille),
        _times(one.measured_memory_permille),
        one.operators or "",
        one.proofs or "",
        one.number or "",
        date_text(one.made_ms) if one.made_ms else "",
    )


def _jobs(scope: str) -> str:
    name, _, number = scope.rpartition("/")
    if not name:
        return "all"
    if name == "size":  # rules/jobs/sizes.py: four times as many units are another size
        return f"of {4 ** int(number) // 2 or 1} to {2 * 4 ** int(number) - 1} PU"
    return f"slice {number} of {name[:12]}"


def _times(permille: int) -> str:
    return f"{permille / 1_000:.3f}" if permille else ""
