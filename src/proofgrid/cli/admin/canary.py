"""`proofgrid admin canary`: the network's own jobs, by which it sees whether provers work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, Money, with_administrator
from proofgrid.cli.kit.reading import read_inputs
from proofgrid.primitives.money import format_amount, parse_price

group = typer.Typer(
    name="canary",
    help="Canaries: jobs that the network sends itself, paid by the treasury, to see whether provers work.",
    no_args_is_help=True,
)


@group.command("add", short_help="Register a program and an input as a canary.")
@with_administrator
def add(
    options: AdministratorOptions,
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="Digest of a registered program of the network's.")],
    file: Annotated[
        Path, typer.Argument(metavar="INPUT.json", help="One input, as the program takes it; public to all.")
    ],
    limit_price: Annotated[
        int,
        typer.Option(
            parser=parse_price,
            metavar="PRICE",
            show_default="2/M",
            help="The most that proving it the first time may cost.",
        ),
    ] = 2_000,
) -> None:
    """Register a canary. It is proven once as an ordinary task, and sent from then on.

    Take a program and an input of your own: never a client's. Canaries are sent by gateways with --canaries-per-hour or
    --canary-new-prover, and the treasury pays them like any job: see proofgrid admin canary fund.

    \b
    Example:
      proofgrid admin canary add PROGRAM input.json
    """
    inputs = read_inputs([file], [])
    canary = options.ask(lambda client: client.admin.add_canary(program, inputs, limit_price=limit_price))
    said = f"canary {canary.canary_id}: task {canary.first_task} is {canary.state}; sent when it is done"
    print_answer(canary, said, json=options.json)


@group.command("list", short_help="List canaries and what the treasury holds.")
@with_administrator
def list_canaries(options: AdministratorOptions) -> None:
    """List the canaries, how often each was sent, and what the treasury holds.

    \b
    Example:
      proofgrid admin canary list
    """
    answer = options.ask(lambda client: client.admin.canaries())
    if options.json:
        print_json(plain(answer))
        return
    rows = [(one.canary_id, one.program_digest[:16], one.state, one.sent) for one in answer.canaries]
    print_table(("canary", "program", "first task", "sent>"), rows, empty="no canaries")
    say(f"treasury: {format_amount(answer.treasury)}")


@group.command("fund", short_help="Put money into the treasury.")
@with_administrator
def fund(options: AdministratorOptions, money: Money) -> None:
    """Put money into the treasury, which pays canaries; it also fills from what rounds leave over.

    \b
    Example:
      proofgrid admin canary fund 1.5
    """
    amount, deposit_id = money.read()
    treasury = options.ask(lambda client: client.admin.fund_treasury(amount, deposit_id=deposit_id))
    print_answer(treasury, f"the treasury holds {format_amount(treasury.balance)}", json=options.json)
