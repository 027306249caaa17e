"""`proofgrid quotes`: list the firm quotes that you bought."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table
from proofgrid.cli.kit.options import ClientOptions, run_async, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("quotes", short_help="List the firm quotes that you bought.")(run)


@with_client
def run(
    options: ClientOptions,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 20,
) -> None:
    """List your firm quotes, newest first: held, redeemed, kept, missed, given_up or expired. --json tells everything.

    \b
    Example:
      proofgrid quotes
    """
    run_async(_list(options, limit))


async def _list(options: ClientOptions, limit: int) -> None:
    async with options.client() as client:
        quotes = await client.quotes(limit=limit)
    if options.json:
        print_json([plain(quote) for quote in quotes])
        return
    rows = [
        (
            quote.quote_id,
            quote.state,
            quote.inputs,
            format_amount(quote.terms.cost),
            date_text(quote.held_until_ms)[5:19],
        )
        for quote in quotes
    ]
    columns = ("quote", "state", "inputs>", "cost>", "held until (UTC)")
    print_table(columns, rows, empty="no firm quotes; proofgrid quote PROGRAM INPUT_FILE --firm buys one")
