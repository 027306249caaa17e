"""`proofgrid admin canary`: the network's own jobs, by which it sees whether provers work."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer

from proofgrid.cli.admin import DataDirOption, as_administrator
from proofgrid.cli.console import plain, print_json, print_table, say
from proofgrid.cli.options import ClientOptions, run_async, with_client
from proofgrid.cli.reading import parse_amount, read_inputs
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.money import format_amount

group = typer.Typer(
    name="canary",
    help="Canaries: jobs that the network sends itself, paid by the treasury, to see whether provers work.",
    no_args_is_help=True,
)


@group.command("add", short_help="Register a program and an input as a canary.")
@with_client
def add(
    options: ClientOptions,
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="Digest of a registered program of the network's.")],
    file: Annotated[
        Path, typer.Argument(metavar="INPUT.json", help="One input, as the program takes it; public to all.")
    ],
    limit_price: Annotated[int, typer.Option(help="Most base units per PU, for proving it the first time.")] = 2_000,
    data_dir: DataDirOption = None,
) -> None:
    """Register a canary. It is proven once as an ordinary task, and sent from then on.

    Take a program and an input of your own: never a client's. Canaries are sent by gateways with --canaries-per-hour or
    --canary-new-prover, and the treasury pays them like any job: see proofgrid admin canary fund.

    \b
    Example:
      proofgrid admin canary add PROGRAM input.json
    """
    from proofgrid.wire.v1.canary_pb2 import AddCanaryRequest

    text = jsonlib.dumps(read_inputs([file], []), separators=(",", ":"))
    request = AddCanaryRequest(program_digest=program, inputs_json=text, limit_price=limit_price)
    canary = _ask(options, data_dir, "AddCanary", request)
    if options.json:
        print_json(plain(canary))
    else:
        say(f"canary {canary.canary_id}: task {canary.first_task} is {canary.state}; sent when it is done")


@group.command("list", short_help="List canaries and what the treasury holds.")
@with_client
def list_canaries(options: ClientOptions, data_dir: DataDirOption = None) -> None:
    """List the canaries, how often each was sent, and what the treasury holds.

    \b
    Example:
      proofgrid admin canary list
    """
    from proofgrid.wire.v1.canary_pb2 import ListCanariesRequest

    answer = _ask(options, data_dir, "ListCanaries", ListCanariesRequest())
    if options.json:
        print_json(plain(answer))
        return
    rows = [(one.canary_id, one.program_digest[:16], one.state, one.sent) for one in answer.canaries]
    print_table(("canary", "program", "first task", "sent>"), rows, empty="no canaries")
    say(f"treasury: {format_amount(answer.treasury)}")


@group.command("fund", short_help="Put money into the treasury.")
@with_client
def fund(
    options: ClientOptions,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="In tokens, exactly: 1.5")],
    base_units: Annotated[
        bool, typer.Option("--base-units", help="AMOUNT is in base units (1e-9 of a token).")
    ] = False,
    id: Annotated[str | None, typer.Option("--id", help="Idempotency key: the same id moves money once.")] = None,  # noqa: A002
    data_dir: DataDirOption = None,
) -> None:
    """Put money into the treasury, which pays canaries; it also fills from what rounds leave over.

    \b
    Example:
      proofgrid admin canary fund 1.5
    """
    from proofgrid.wire.v1.canary_pb2 import FundTreasuryRequest

    units = parse_amount(amount, base_units=base_units)
    request = FundTreasuryRequest(amount=units, deposit_id=id or fresh_bytes(16).hex())
    treasury = _ask(options, data_dir, "FundTreasury", request)
    if options.json:
        print_json(plain(treasury))
    else:
        say(f"the treasury holds {format_amount(treasury.balance)}")


def _ask(options: ClientOptions, data_dir: Path | None, method: str, request: Any) -> Any:
    async def ask() -> Any:
        async with as_administrator(options, data_dir).client() as client:
            return await client.connection.ask(getattr(client.connection.canaries, method), request)

    return run_async(ask())
