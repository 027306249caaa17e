"""`proofgrid account`: what an address owns, holds and has earned."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.options import ClientOptions, run_async, with_client
from proofgrid.primitives.money import format_amount


def add_to(cli: typer.Typer) -> None:
    cli.command("account", short_help="Show an account.")(run)


@with_client
def run(
    options: ClientOptions,
    address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="Whose. Others' are for administrators.")] = "",
    transfers: Annotated[int, typer.Option("--transfers", min=0, max=1_000, help="How many transfers.")] = 10,
) -> None:
    """Show an account: balance, what open tasks hold, what was earned by proving, the latest transfers.

    \b
    Example:
      proofgrid account --key me.key
    """
    run_async(_show(options, address, transfers))


async def _show(options: ClientOptions, address: str, transfers: int) -> None:
    async with options.client() as client:
        account = await client.account(address, transfers_limit=transfers)
    if options.json:
        print_json(plain(account))
        return
    say(account.address, style="bold")
    for name, amount in (("balance", account.balance), ("in escrow", account.escrowed), ("earned", account.earned)):
        say(f"  {name:<10}{format_amount(amount)}")
    rows = [
        (date_text(t.at_ms), t.reason, format_amount(t.amount), t.debit, t.credit, t.task_id[-12:])
        for t in account.transfers
    ]
    if transfers:
        print_table(("when (UTC)", "reason", "amount>", "from", "to", "task"), rows, empty="no transfers")
