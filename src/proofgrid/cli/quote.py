"""`proofgrid quote`: what a request would cost and take, before it is submitted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proofgrid.cli.console import plain, print_json, print_table, say
from proofgrid.cli.options import ClientOptions, run_async, with_client
from proofgrid.cli.reading import read_inputs
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.wire.v1 import quotes_pb2 as messages


def add_to(cli: typer.Typer) -> None:
    cli.command("quote", short_help="Ask what a request would cost and how long it would take.")(run)


@with_client
def run(
    options: ClientOptions,
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's digest.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[INPUT_FILE]...", help="As for `proofgrid submit`; - reads standard input."),
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="JSON", help="An input in place; may be given again.")
    ] = None,
) -> None:
    """Show what a request would cost now, which limit price sells how surely, and how long it would take.

    The price now comes from the market's own clearing, run on the live book with your bid added: bid more than that and
    you still pay about that. The chances come from the latest rounds. Nothing is stored, sold or promised.

    \b
    Example:
      proofgrid quote 3f9a… digit.json
      proofgrid submit 3f9a… digit.json --limit-price PRICE --wait
    """
    run_async(_quote(options, program, read_inputs(files or [], inputs or [])))


async def _quote(options: ClientOptions, program: str, inputs: list[Any]) -> None:
    async with options.client() as client:
        quote = await client.quote(program, inputs)
    if options.json:
        print_json(plain(quote))
        return
    _show(quote)


def _show(quote: messages.Quote) -> None:
    rows = [
        (
            one.lane,
            one.jobs,
            one.units,
            f"{one.memory_bytes_max / (1 << 20):.0f} MiB",
            one.price_now or "nobody",
            *(one.prices[percent] for percent in sorted(one.prices)),
            f"{one.free_slots} of {one.provers}",
            _seconds(one.wait_ms + one.prove_ms),
        )
        for one in quote.lanes
    ]
    chances = [f"{percent}%>" for percent in sorted(quote.prices)]
    columns = ("lane", "jobs>", "PU>", "memory>", "now>", *chances, "free slots, provers>", "expected>")
    print_table(columns, rows, empty="no jobs")
    if quote.cost_now:
        say(f"now: about {quote.price_now} per PU, {format_amount(quote.cost_now)} in all", style="bold")
    else:
        say("nobody would sell all of it now: provers are busy, or none serves a lane", style="yellow")
    limits = ", ".join(f"{quote.prices[percent]} sold in {percent}%" for percent in sorted(quote.prices))
    say(f"limit prices, by the latest rounds: {limits}")
    say(f"expected time to the last proof: {_seconds(quote.expected_ms)}")


def _seconds(milliseconds: int) -> str:
    return f"{math.ceil(milliseconds / 100) / 10:g} s"
