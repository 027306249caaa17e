"""`proofgrid rounds`: the prices that the market made."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, print_answers
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client
from proofgrid.primitives.money import format_price


def add_to(cli: typer.Typer) -> None:
    cli.command("rounds", short_help="List the prices of the latest rounds.")(run)


@with_client
def run(
    options: ClientOptions,
    lane: Annotated[str, typer.Option("--lane", help="Only this lane, like default/ezkl@23.0.5/small.")] = "",
    limit: LimitOption = 20,
) -> None:
    """List the latest DARA rounds: what clients paid and operators got, in tokens per million PU, and what was sold.

    \b
    Example:
      proofgrid rounds --lane default/ezkl@23.0.5/small
    """
    print_answers(
        options.ask(lambda client: client.rounds(lane=lane, limit=limit)),
        (
            "lane",
            "round>",
            "buy, /M>",
            "sell, /M>",
            "PU>",
            "bids>",
            "asks>",
            "reference, /M>",
            "when (UTC)",
            "transcript",
        ),
        lambda one: (
            one.lane,
            one.number,
            format_price(one.buy_price) if one.buy_price else "",
            format_price(one.sell_price) if one.sell_price else "",
            one.units,
            one.bids,
            one.asks,
            format_price(one.next_reference),
            date_text(one.at_ms),
            one.transcript_hash[:12],
        ),
        empty="no rounds yet",
        json=options.json,
    )
