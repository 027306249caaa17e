"""`proofgrid admin deposit|check-ledger`: money comes in, and adds up."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.admin.access import AddressArgument
from proofgrid.cli.kit.console import complain, plain, print_answer, print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import AdministratorOptions, Money, with_administrator
from proofgrid.primitives.money import format_amount, tokens_text


def add_to(admin: typer.Typer) -> None:
    admin.command("deposit")(deposit)
    admin.command("check-ledger")(check_ledger)


@with_administrator
def deposit(
    options: AdministratorOptions,
    address: AddressArgument,
    money: Money,
    stake: Annotated[bool, typer.Option("--stake", help="Into the bond of the operator ADDRESS instead.")] = False,
) -> None:
    """Put money on a client's account, or into an operator's bond.

    \b
    Example:
      proofgrid admin deposit 0x52908400098527886E0F7030069857D2E4169EE7 1.5 --id invoice-17
      proofgrid admin deposit 0x8617E340B3D01FA5F11F306F4090FD50E238070D 100 --stake
    """
    amount, deposit_id = money.read()
    if stake:
        _deposit_stake(options, address, amount, deposit_id)
        return
    account = options.ask(lambda client: client.admin.deposit(address, amount, deposit_id=deposit_id))
    said = f"{account.address} now holds {tokens_text(account.balance)} (deposit {deposit_id})"
    print_answer(account, said, json=options.json, deposit_id=deposit_id)


@with_administrator
def check_ledger(options: AdministratorOptions) -> None:
    """Add up every account: exit 0 when all accounts together hold what was deposited, 1 otherwise.

    \b
    Example:
      proofgrid admin check-ledger && echo balanced
    """
    check = options.ask(lambda client: client.admin.check_ledger())
    if options.json:
        print_json(plain(check))
    elif check.balanced:
        say(f"balanced: {format_amount(check.minted)} deposited, {format_amount(check.held)} held", style="green")
    else:
        complain(f"NOT BALANCED: all accounts sum to {format_amount(check.sum)} tokens instead of 0", style="bold red")
        for fault in check.faults:
            complain(f"  {fault}", style="red")
    if not check.balanced:
        raise typer.Exit(EXIT_FAILED)


def _deposit_stake(options: AdministratorOptions, address: str, amount: int, deposit_id: str) -> None:
    bond = options.ask(lambda client: client.admin.deposit_stake(address, amount, deposit_id=deposit_id))
    said = f"the bond of {bond.operator} is now {format_amount(bond.bond)} (deposit {deposit_id})"
    print_answer(bond, said, json=options.json, deposit_id=deposit_id)
