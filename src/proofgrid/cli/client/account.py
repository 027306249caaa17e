"""`proofgrid account`: what an address owns, holds and has earned."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from proofgrid.cli.kit.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.kit.options import ClientOptions, with_client
from proofgrid.primitives.ids import short_address
from proofgrid.primitives.money import format_amount, tokens_text


class _ShowUnlessSaid(TyperGroup):
    """`proofgrid account` and `proofgrid account ADDRESS` mean `proofgrid account show`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    name="account",
    cls=_ShowUnlessSaid,
    help="Show an account, or every movement of its money.",
    short_help="Show an account.",
)


@group.command("show")
@with_client
def run(
    options: ClientOptions,
    address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help="Whose. Others' are for administrators.")] = "",
    transfers: Annotated[int, typer.Option("--transfers", min=0, max=1_000, help="How many transfers.")] = 10,
) -> None:
    """Show an account: balance, what open tasks hold, what was earned by proving, the latest transfers.

    \b
    Example:
      proofgrid account show --key me.key
      proofgrid account
    """
    account = options.ask(lambda client: client.account(address, transfers_limit=transfers))
    if options.json:
        print_json(plain(account))
        return
    say(account.address, style="bold")
    for name, amount in (("balance", account.balance), ("in escrow", account.escrowed), ("earned", account.earned)):
        say(f"  {name:<10} {tokens_text(amount)}")
    if account.low_balance:
        below = ", and it is" if account.is_low else ""
        say(f"  told below {tokens_text(account.low_balance)}{below}", style="dim")
    rows = [
        (date_text(t.at_ms)[:16], t.reason, format_amount(t.amount), _short(t.debit), _short(t.credit), t.task_id)
        for t in account.transfers
    ]
    if transfers:
        print_table(("when (UTC)", "reason", "amount>", "from", "to", "task"), rows, empty="no transfers")


def _short(account: str) -> str:
    """Return client:0x1234…abcd; a task's escrow by its kind, for the task stands beside it."""
    kind, colon, whose = account.partition(":")
    return kind if kind == "escrow" else f"{kind}{colon}{short_address(whose)}"
