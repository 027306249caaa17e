"""`proofgrid admin grant|revoke|list`: who may use the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import print_answer, print_answers
from proofgrid.cli.kit.options import (
    AdministratorOptions,
    with_administrator,
)

if TYPE_CHECKING:
    from proofgrid.sdk.answers.administration import Identity

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
    identity = options.ask(lambda client: client.admin.grant(address, role, label=label))
    _print_identity(identity, json=options.json)


@group.command("revoke")
@with_administrator
def revoke(options: AdministratorOptions, address: AddressArgument, role: RoleArgument) -> None:
    """Take a role away from a key.

    \b
    Example:
      proofgrid admin revoke 0x52908400098527886E0F7030069857D2E4169EE7 operator
    """
    identity = options.ask(lambda client: client.admin.revoke(address, role))
    _print_identity(identity, json=options.json)


@group.command("list")
@with_administrator
def list_identities(options: AdministratorOptions) -> None:
    """List the keys that may use the network.

    \b
    Example:
      proofgrid admin list
    """
    print_answers(
        options.ask(lambda client: client.admin.identities()),
        ("address", "roles", "label"),
        lambda one: (one.address, ", ".join(one.roles), one.label),
        empty="nobody",
        json=options.json,
    )


def _print_identity(identity: Identity, *, json: bool) -> None:
    print_answer(identity, f"{identity.address}: {', '.join(identity.roles) or 'no roles'}", json=json)
