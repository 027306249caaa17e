"""`proofgrid admin`: who may use the network, and who has money on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import complain, plain, print_answer, print_json, print_table, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import (
    AdministratorOptions,
    AmountArgument,
    BaseUnitsOption,
    IdOption,
    with_administrator,
)
from proofgrid.cli.kit.reading import parse_amount
from proofgrid.primitives.clock import fresh_bytes
from proofgrid.primitives.money import format_amount

if TYPE_CHECKING:
    from proofgrid.wire.v1.client_pb2 import Identity

group = typer.Typer(
    name="admin",
    help="Administer a network. Uses the network's key in the data directory unless --key says otherwise.",
    no_args_is_help=True,
)

AddressArgument = Annotated[str, typer.Argument(metavar="ADDRESS", help="The key's address.")]
RoleArgument = Annotated[str, typer.Argument(metavar="ROLE", help="client, operator or admin.")]


@group.command("grant")
@with_administrator
def grant(
    options: AdministratorOptions,
    address: AddressArgument,
    role: RoleArgument,
    label: Annotated[str, typer.Option("--label", help="A name for people.")] = "",
) -> None:
    """Let a key use the network as client, operator or administrator.

    \b
    Example:
      proofgrid admin grant 0x52908400098527886E0F7030069857D2E4169EE7 client --label carol
    """
    from proofgrid.wire.v1.client_pb2 import GrantRequest

    request = GrantRequest(address=address, role=role, label=label)
    identity = options.call(lambda network: network.admin.Grant, request)
    _print_identity(identity, json=options.json)


@group.command("revoke")
@with_administrator
def revoke(options: AdministratorOptions, address: AddressArgument, role: RoleArgument) -> None:
    """Take a role away from a key.

    \b
    Example:
      proofgrid admin revoke 0x52908400098527886E0F7030069857D2E4169EE7 operator
    """
    from proofgrid.wire.v1.client_pb2 import RevokeRequest

    identity = options.call(lambda network: network.admin.Revoke, RevokeRequest(address=address, role=role))
    _print_identity(identity, json=options.json)


@group.command("list")
@with_administrator
def list_identities(options: AdministratorOptions) -> None:
    """List the keys that may use the network.

    \b
    Example:
      proofgrid admin list
    """
    from proofgrid.wire.v1.client_pb2 import ListIdentitiesRequest

    answer = options.call(lambda network: network.admin.ListIdentities, ListIdentitiesRequest())
    if options.json:
        print_json([plain(identity) for identity in answer.identities])
        return
    rows = [(identity.address, ", ".join(identity.roles), identity.label) for identity in answer.identities]
    print_table(("address", "roles", "label"), rows, empty="nobody")


@group.command("deposit")
@with_administrator
def deposit(
    options: AdministratorOptions,
    address: AddressArgument,
    amount: AmountArgument,
    base_units: BaseUnitsOption = False,
    id: IdOption = None,  # noqa: A002
    stake: Annotated[bool, typer.Option("--stake", help="Into the bond of the operator ADDRESS instead.")] = False,
) -> None:
    """Put money on a client's account, or into an operator's bond.

    \b
    Example:
      proofgrid admin deposit 0x52908400098527886E0F7030069857D2E4169EE7 1.5 --id invoice-17
      proofgrid admin deposit 0x8617E340B3D01FA5F11F306F4090FD50E238070D 100 --stake
    """
    from proofgrid.wire.v1.client_pb2 import DepositRequest

    units = parse_amount(amount, base_units=base_units)
    if stake:
        _deposit_stake(options, address, units, id or fresh_bytes(16).hex())
        return
    request = DepositRequest(address=address, amount=units, deposit_id=id or fresh_bytes(16).hex())
    account = options.call(lambda network: network.admin.Deposit, request)
    said = f"{account.address} now holds {format_amount(account.balance)} (deposit {request.deposit_id})"
    print_answer(account, said, json=options.json, deposit_id=request.deposit_id)


@group.command("check-ledger")
@with_administrator
def check_ledger(options: AdministratorOptions) -> None:
    """Add up every account: exit 0 when all accounts together hold what was deposited, 1 otherwise.

    \b
    Example:
      proofgrid admin check-ledger && echo balanced
    """
    from proofgrid.wire.v1.client_pb2 import CheckLedgerRequest

    check = options.call(lambda network: network.admin.CheckLedger, CheckLedgerRequest())
    if options.json:
        print_json(plain(check))
    elif check.balanced:
        say(f"balanced: {format_amount(check.minted)} deposited, {format_amount(check.held)} held", style="green")
    else:
        complain(f"NOT BALANCED: all accounts sum to {check.sum} base units instead of 0", style="bold red")
        for fault in check.faults:
            complain(f"  {fault}", style="red")
    if not check.balanced:
        raise typer.Exit(EXIT_FAILED)


letters = typer.Typer(
    name="dead-letters", help="Tasks that nobody could prove: list, show, replay.", no_args_is_help=True
)
group.add_typer(letters)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]


@letters.command("list")
@with_administrator
def list_dead_letters(
    options: AdministratorOptions,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many, newest first.")] = 100,
    all: Annotated[bool, typer.Option("--all", help="Also those that were replayed.")] = False,  # noqa: A002
) -> None:
    """List the tasks that ended because nobody could prove them.

    \b
    Example:
      proofgrid admin dead-letters list
    """
    from proofgrid.wire.v1.client_pb2 import ListDeadLettersRequest

    request = ListDeadLettersRequest(limit=limit, replayed=all)
    answer = options.call(lambda network: network.admin.ListDeadLetters, request)
    if options.json:
        print_json([plain(letter) for letter in answer.letters])
        return
    rows = [(letter.task_id, letter.code, letter.detail, letter.replayed_as) for letter in answer.letters]
    print_table(("task", "code", "reason", "replayed as"), rows, empty="no dead letters")


@letters.command("show")
@with_administrator
def show_dead_letter(options: AdministratorOptions, task: TaskArgument) -> None:
    """Show why a task ended and who tried to prove it.

    \b
    Example:
      proofgrid admin dead-letters show 0197b2c4-6f00-7000-8000-000000000001
    """
    from proofgrid.wire.v1.client_pb2 import GetDeadLetterRequest

    letter = options.call(lambda network: network.admin.GetDeadLetter, GetDeadLetterRequest(task_id=task))
    if options.json:
        print_json(plain(letter))
        return
    say(f"{letter.task_id}: {letter.code} {letter.detail}")
    if letter.replay_of:
        say(f"it was a replay of {letter.replay_of}")
    if letter.replayed_as:
        say(f"it was replayed as {letter.replayed_as}")
    rows = [(f"{one.slice}/{one.input}", one.prover, one.reason, one.detail) for one in letter.tries]
    print_table(("slice/input", "prover", "ended", "detail"), rows, empty="nobody tried")


@letters.command("replay")
@with_administrator
def replay_dead_letter(options: AdministratorOptions, task: TaskArgument) -> None:
    """Make a new task of a dead one, with a new escrow of the same client. Twice is one new task.

    \b
    Example:
      proofgrid admin dead-letters replay 0197b2c4-6f00-7000-8000-000000000001
    """
    from proofgrid.wire.v1.client_pb2 import ReplayDeadLetterRequest

    letter = options.call(lambda network: network.admin.ReplayDeadLetter, ReplayDeadLetterRequest(task_id=task))
    print_answer(letter, f"{letter.task_id} is now task {letter.replayed_as}", json=options.json)


def _deposit_stake(options: AdministratorOptions, address: str, units: int, deposit_id: str) -> None:
    from proofgrid.wire.v1.stake_pb2 import DepositStakeRequest

    request = DepositStakeRequest(operator=address, amount=units, deposit_id=deposit_id, from_outside=True)
    bond = options.ask(lambda network: network.stake.DepositStake, request)
    said = f"the bond of {bond.operator} is now {format_amount(bond.bond)} (deposit {deposit_id})"
    print_answer(bond, said, json=options.json, deposit_id=deposit_id)


def _print_identity(identity: Identity, *, json: bool) -> None:
    print_answer(identity, f"{identity.address}: {', '.join(identity.roles) or 'no roles'}", json=json)
