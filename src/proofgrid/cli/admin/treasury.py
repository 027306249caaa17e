"""`proofgrid admin treasury`: the network's own money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from proofgrid.cli.kit.console import plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.options import (
    AdministratorOptions,
    AmountArgument,
    ClientOptions,
    IdOption,
    run_async,
    with_administrator,
)
from proofgrid.cli.kit.reading import parse_amount
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.wire.v1.statements_pb2 import StatementClosing

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
    closing = run_async(_closing(options))
    if options.json:
        print_json(plain(closing))
        return
    say(f"the treasury holds {format_amount(closing.balance)}", style="bold")
    rows = [(one.reason, format_amount(one.amount), one.movements) for one in closing.sums]
    print_table(("reason", "amount>", "movements>"), rows, empty="nothing came in yet")


async def _closing(options: ClientOptions) -> StatementClosing:
    async with options.client() as client:
        return [part async for part in client.statement("treasury")][-1].closing


@group.command("withdraw")
@with_administrator
def withdraw(
    options: AdministratorOptions,
    amount: AmountArgument,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Pay money of the treasury out.

    \b
    Example:
      proofgrid admin treasury withdraw 1.5 --id 2026-03
    """
    _take(options, amount, id, burn=False)


@group.command("burn")
@with_administrator
def burn(
    options: AdministratorOptions,
    amount: AmountArgument,
    id: IdOption = None,  # noqa: A002
) -> None:
    """Destroy money of the treasury.

    \b
    Example:
      proofgrid admin treasury burn 0.25 --id 2026-03
    """
    _take(options, amount, id, burn=True)


def _take(options: AdministratorOptions, amount: str, take_id: str | None, *, burn: bool) -> None:
    from proofgrid.wire.v1.treasury_pb2 import TakeOutRequest

    request = TakeOutRequest(amount=parse_amount(amount), take_id=take_id or fresh_bytes(16).hex(), burn=burn)
    treasury = options.ask(lambda network: network.treasury.TakeOut, request)
    said = f"the treasury now holds {format_amount(treasury.balance)} ({request.take_id})"
    print_answer(treasury, said, json=options.json, take_id=request.take_id)
