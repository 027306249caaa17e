"""`proofgrid quotes`: list the firm quotes that you bought."""

from __future__ import annotations

import typer

from proofgrid.cli.kit.console import date_text, print_answers
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("quotes", short_help="List the firm quotes that you bought.")(run)


@with_client
def run(options: ClientOptions, limit: LimitOption = 20) -> None:
    """List your firm quotes, newest first: held, redeemed, kept, missed, given_up or expired. --json tells everything.

    \b
    Example:
      proofgrid quotes
    """
    print_answers(
        options.ask(lambda client: client.quotes(limit=limit)),
        ("quote", "state", "inputs>", "cost>", "held until (UTC)"),
        lambda quote: (
            quote.quote_id,
            quote.state,
            quote.inputs,
            format_amount(quote.terms.cost),
            date_text(quote.held_until_ms)[5:19],
        ),
        empty="no firm quotes; proofgrid quote PROGRAM INPUT_FILE --firm buys one",
        json=options.json,
    )
