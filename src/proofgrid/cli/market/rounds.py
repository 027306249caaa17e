"""`proofgrid rounds`: the prices that the market made."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table
from proofgrid.cli.kit.options import ClientOptions, run_async, with_client


def add_to(cli: typer.Typer) -> None:
    cli.command("rounds", short_help="List the prices of the latest rounds.")(run)


@with_client
def run(
    options: ClientOptions,
    lane: Annotated[str, typer.Option("--lane", help="Only this lane, like default/ezkl/small.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many.")] = 20,
) -> None:
    """List the latest DARA rounds: what clients paid and operators got per PU, and what was sold.

    \b
    Example:
      proofgrid rounds --lane default/ezkl/small
    """
    run_async(_list(options, lane, limit))


async def _list(options: ClientOptions, lane: str, limit: int) -> None:
    async with options.client() as client:
        rounds = await client.rounds(lane=lane, limit=limit)
    if options.json:
        print_json([plain(one) for one in rounds])
        return
    rows = [
        (
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
        )
        for one in rounds
    ]
    columns = ("lane", "round>", "buy>", "sell>", "PU>", "bids>", "asks>", "reference>", "when (UTC)", "transcript")
    print_table(columns, rows, empty="no rounds yet")
