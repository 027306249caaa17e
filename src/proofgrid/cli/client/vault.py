"""`proofgrid vault status|withdraw|batch`: money over a vault, as the network has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import plain, print_json, say
from proofgrid.cli.kit.options import ClientOptions, Money, with_client
from proofgrid.primitives.money import tokens_text

if TYPE_CHECKING:
    from proofgrid.sdk.answers.vault import Vault


def add_to(group: typer.Typer) -> None:
    group.command("status")(status)
    group.command("withdraw")(withdraw)
    group.command("batch")(batch)


@with_client
def status(options: ClientOptions) -> None:
    """Show the network's vault, and what of yours waits to be claimed there.

    \b
    Example:
      proofgrid vault status --key me.key
    """
    _show(options.ask(lambda client: client.vaults.show()), json=options.json)


@with_client
def withdraw(
    options: ClientOptions,
    money: Money,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who may claim it, unless yourself.")] = "",
    earned: Annotated[bool, typer.Option("--earned", help="Out of what you earned as an operator.")] = False,
) -> None:
    """Take money out of the network: it can be claimed on the chain when the next batch is in force.

    \b
    Example:
      proofgrid vault withdraw 5 --key me.key
      proofgrid vault withdraw 5 --earned --to 0x52908400098527886E0F7030069857D2E4169EE7 --key operator.key
    """
    amount, payout_id = money.read()
    answer = options.ask(lambda client: client.vaults.request_payout(amount, to=to, earned=earned, payout_id=payout_id))
    _show(answer, json=options.json)


@with_client
def batch(
    options: ClientOptions,
    number: Annotated[int, typer.Argument(metavar="[NUMBER]", help="In the contract; without: the newest.")] = -1,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write its public file there.")] = None,
) -> None:
    """Fetch the public file of a batch. With the newest one you claim, and leave, with nobody's help: keep it.

    \b
    Example:
      proofgrid vault batch --out batch.json
    """
    found = options.ask(lambda client: client.vaults.batch(number=number))
    if out is not None:
        out.write_text(found.file, encoding="utf-8")
        if options.json:
            print_json({"number": found.number, "file": str(out)})
        else:
            say(f"batch {found.number}: {out}")
    else:
        typer.echo(found.file)


def _show(vault: Vault, *, json: bool) -> None:
    if json:
        print_json(plain(vault))
        return
    if not vault.vault:
        say("this network's money is in no vault")
        return
    say(vault.vault, style="bold")
    frozen = ", frozen: leave by the last batch" if vault.is_frozen else ""
    last = "none" if vault.last_batch < 0 else str(vault.last_batch)
    for name, value in (
        ("chain", f"{vault.chain_id}, read to block {vault.final}{frozen}"),
        ("token", f"{vault.token}, {vault.unit} base units are one of the ledger"),
        ("payable", tokens_text(vault.payable)),
        ("claimed", tokens_text(vault.claimed)),
        ("last batch", f"{last}; in force after {vault.delay_blocks} blocks"),
    ):
        say(f"  {name:<11}{value}")
