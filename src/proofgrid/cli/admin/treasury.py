"""`proofgrid admin treasury`: the network's own money."""

from __future__ import annotations

import typer

from proofgrid.cli.kit.console import plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, Money, with_administrator
from proofgrid.primitives.money import format_amount, tokens_text

group = typer.Typer(name="treasury", help="The network's own money: show, withdraw, burn.", no_args_is_help=True)


def add_to(admin: typer.Typer) -> None:
    admin.add_typer(group)


@group.command("show")
@with_administrator
def show(options: AdministratorOptions) -> None:
    """Show what the treasury holds, and what came in and went out, by reason.

    Every movement: proofgrid account statement treasury.

    \b
    Example:
      proofgrid admin treasury show
    """
    closing = options.ask(lambda client: client.admin.treasury())
    if options.json:
        print_json(plain(closing))
        return
    say(f"the treasury holds {format_amount(closing.balance)}", style="bold")
    rows = [(one.reason, format_amount(one.amount), one.movements) for one in closing.sums]
    print_table(("reason", "amount>", "movements>"), rows, empty="nothing came in yet")


@group.command("withdraw")
@with_administrator
def withdraw(options: AdministratorOptions, money: Money) -> None:
    """Pay money of the treasury out.

    \b
    Example:
      proofgrid admin treasury withdraw 1.5 --id 2026-03
    """
    _take(options, money, burn=False)


@group.command("burn")
@with_administrator
def burn(options: AdministratorOptions, money: Money) -> None:
    """Destroy money of the treasury.

    \b
    Example:
      proofgrid admin treasury burn 0.25 --id 2026-03
    """
    _take(options, money, burn=True)


def _take(options: AdministratorOptions, money: Money, *, burn: bool) -> None:
    amount, take_id = money.read()
    treasury = options.ask(lambda client: client.admin.take_out(amount, burn=burn, take_id=take_id))
    said = f"the treasury now holds {tokens_text(treasury.balance)} ({take_id})"
    print_answer(treasury, said, json=options.json, take_id=take_id)
