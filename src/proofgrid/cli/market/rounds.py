"""`proofgrid rounds`: the prices that the market made."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, print_answers
from proofgrid.cli.kit.options import ClientOptions, LimitOption, with_client


def add_to(cli: typer.Typer) -> None:
    cli.command("rounds", short_help="List the prices of the latest rounds.")(run)


@with_client
def run(
    options: ClientOptions,
    lane: Annotated[str, typer.Option("--lane", help="Only this lane, like default/ezkl/small.")] = "",
    limit: LimitOption = 20,
) -> None:
    """List the latest DARA rounds: what clients paid and operators got per PU, and what was sold.

    \b
    Example:
      proofgrid rounds --lane default/ezkl/small
    """
    print_answers(
        options.ask(lambda client: client.rounds(lane=lane, limit=limit)),
        ("lane", "round>", "buy>", "sell>", "PU>", "bids>", "asks>", "reference>", "when (UTC)", "transcript"),
        lambda one: (
            one.lane,
            one.number,
            one.buy_price or "",
            one.sell_price or "",
            one.units,
            one.bids,
            one.asks,
            one.next_reference,
            date_text(one.at_ms),
            one.transcript_hash[:12],
        ),
        empty="no rounds yet",
        json=options.json,
    )
