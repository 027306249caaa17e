"""`proofgrid admin subnetwork`: parts of the network with lanes, members and provers of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.admin.access import AddressArgument
from proofgrid.cli.kit.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, with_administrator
from proofgrid.cli.kit.reading import parse_duration_ms
from proofgrid.cli.kit.setting_options import Group
from proofgrid.cli.kit.tables import print_subnetworks
from proofgrid.primitives.money import parse_price
from proofgrid.rules.access.subnetworks import SubnetworkChange

if TYPE_CHECKING:
    from proofgrid.sdk.answers.network import Subnetwork

group = typer.Typer(
    name="subnetwork",
    help="Parts of the network with lanes, members and provers of their own.",
    no_args_is_help=True,
)


def add_to(admin: typer.Typer) -> None:
    admin.add_typer(group)


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The subnetwork's name.")]
MemberArgument = Annotated[str, typer.Argument(metavar="ROLE", help="client (may submit) or operator (may prove).")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Group):
    """What a subnetwork shall be."""

    is_open: Annotated[
        bool | None, typer.Option("--open/--by-list", help="For everybody, or for members only. [default: by list]")
    ] = None
    proof_systems: Annotated[
        str | None,
        typer.Option("--proof-systems", metavar="NAMES", help="Serve only these, separated by commas; all: every one."),
    ] = None
    reference_price: Annotated[
        int | None,
        typer.Option(
            "--reference-price",
            parser=partial(parse_price, least=0),
            metavar="PRICE",
            help="Of its lanes without a round, like 0.9/M; 0: the gateways' setting.",
        ),
    ] = None
    overflow_after: Annotated[
        str | None,
        typer.Option(
            "--overflow-after", metavar="30s", help="Jobs that waited so long go to the common lanes; or never."
        ),
    ] = None

    def read(self) -> SubnetworkChange:
        """Return what is named."""
        systems = None
        if self.proof_systems is not None:
            names = frozenset(text.strip() for text in self.proof_systems.split(",") if text.strip())
            systems = frozenset() if names == {"all"} else names
        overflow_after_ms = None
        if self.overflow_after is not None:
            never = self.overflow_after == "never"
            overflow_after_ms = 0 if never else parse_duration_ms(self.overflow_after, field="overflow_after")
        return SubnetworkChange(
            is_open=self.is_open,
            proof_systems=systems,
            reference_price=self.reference_price,
            overflow_after_ms=overflow_after_ms,
        )


@group.command("create")
@with_administrator
def create(options: AdministratorOptions, name: NameArgument, wanted: Wanted) -> None:
    """Make a subnetwork. Provers started with --subnetwork NAME serve it; clients submit with --subnetwork NAME.

    \b
    Example:
      proofgrid admin subnetwork create acme --overflow-after 30s
      proofgrid admin subnetwork create lab --open --proof-systems ezkl --reference-price 0.9/M
    """
    change = wanted.read()
    _print_one(options.ask(lambda client: client.admin.create_subnetwork(name, change)), json=options.json)


@group.command("set")
@with_administrator
def change_parameters(options: AdministratorOptions, name: NameArgument, wanted: Wanted) -> None:
    """Change a subnetwork; what is not named stays as it is.

    \b
    Example:
      proofgrid admin subnetwork set acme --overflow-after never
    """
    change = wanted.read()
    _print_one(options.ask(lambda client: client.admin.set_subnetwork(name, change)), json=options.json)


@group.command("list")
@with_administrator
def list_subnetworks(options: AdministratorOptions) -> None:
    """List the subnetworks with their capacity and what waits in them.

    \b
    Example:
      proofgrid admin subnetwork list
    """
    subnetworks = options.ask(lambda client: client.subnetworks())
    if options.json:
        print_json([plain(one) for one in subnetworks])
    else:
        print_subnetworks(subnetworks)


@group.command("show")
@with_administrator
def show(options: AdministratorOptions, name: NameArgument) -> None:
    """Show a subnetwork with its members.

    \b
    Example:
      proofgrid admin subnetwork show acme
    """
    _print_one(options.ask(lambda client: client.admin.subnetwork(name)), json=options.json)


@group.command("remove")
@with_administrator
def remove(options: AdministratorOptions, name: NameArgument) -> None:
    """Remove a subnetwork. Refused while tasks of it are open.

    \b
    Example:
      proofgrid admin subnetwork remove acme
    """
    options.ask(lambda client: client.admin.remove_subnetwork(name))
    if options.json:
        print_json({"removed": name})
    else:
        say(f"{name} is removed")


@group.command("allow")
@with_administrator
def allow(
    options: AdministratorOptions,
    name: NameArgument,
    address: AddressArgument,
    role: MemberArgument,
) -> None:
    """Let a key submit to a subnetwork, or prove for it. It also needs the same role in the network.

    \b
    Example:
      proofgrid admin subnetwork allow acme 0x52908400098527886E0F7030069857D2E4169EE7 client
    """
    _print_one(options.ask(lambda client: client.admin.allow_member(name, address, role)), json=options.json)


@group.command("deny")
@with_administrator
def deny(
    options: AdministratorOptions,
    name: NameArgument,
    address: AddressArgument,
    role: MemberArgument,
) -> None:
    """Take a key off a subnetwork's list. Its tasks and leases go on; there will be no new ones.

    \b
    Example:
      proofgrid admin subnetwork deny acme 0x52908400098527886E0F7030069857D2E4169EE7 operator
    """
    _print_one(options.ask(lambda client: client.admin.deny_member(name, address, role)), json=options.json)


def _print_one(one: Subnetwork, *, json: bool) -> None:
    if json:
        print_json(plain(one))
        return
    print_subnetworks([one])
    say(f"proof systems: {', '.join(one.proof_systems) or 'all'}; tasks open: {one.tasks_open}")
    members = [(member.address, member.role, date_text(member.since_ms)) for member in one.members]
    if not one.open:
        print_table(("member", "role", "since"), members, empty="no members yet: proofgrid admin subnetwork allow")
