"""`proofgrid admin subnetwork`: parts of the network with lanes, members and provers of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.admin.access import AddressArgument
from proofgrid.cli.kit.console import date_text, plain, print_json, print_table, say
from proofgrid.cli.kit.options import AdministratorOptions, with_administrator
from proofgrid.cli.kit.reading import parse_duration_ms
from proofgrid.cli.kit.tables import print_subnetworks

if TYPE_CHECKING:
    from proofgrid.sdk.services import Method
    from proofgrid.wire.v1.subnetworks_pb2 import MemberRequest, Subnetwork, SubnetworkChange

group = typer.Typer(
    name="subnetwork",
    help="Parts of the network with lanes, members and provers of their own.",
    no_args_is_help=True,
)


def add_to(admin: typer.Typer) -> None:
    admin.add_typer(group)


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The subnetwork's name.")]
MemberArgument = Annotated[str, typer.Argument(metavar="ROLE", help="client (may submit) or operator (may prove).")]
OpenOption = Annotated[
    bool | None, typer.Option("--open/--by-list", help="For everybody, or for members only. [default: by list]")
]
SystemsOption = Annotated[
    str | None,
    typer.Option("--proof-systems", metavar="NAMES", help="Serve only these, separated by commas; all: every one."),
]
PriceOption = Annotated[
    int | None,
    typer.Option(
        "--reference-price", min=0, help="Of its lanes without a round, base units per PU; 0: the gateways' setting."
    ),
]
OverflowOption = Annotated[
    str | None,
    typer.Option("--overflow-after", metavar="30s", help="Jobs that waited so long go to the common lanes; or never."),
]


@group.command("create")
@with_administrator
def create(
    options: AdministratorOptions,
    name: NameArgument,
    is_open: OpenOption = None,
    proof_systems: SystemsOption = None,
    reference_price: PriceOption = None,
    overflow_after: OverflowOption = None,
) -> None:
    """Make a subnetwork. Provers started with --subnetwork NAME serve it; clients submit with --subnetwork NAME.

    \b
    Example:
      proofgrid admin subnetwork create acme --overflow-after 30s
      proofgrid admin subnetwork create lab --open --proof-systems ezkl --reference-price 900
    """
    change = _change(name, is_open, proof_systems, reference_price, overflow_after)
    _print_one(options.call(lambda network: network.subnetworks.CreateSubnetwork, change), json=options.json)


@group.command("set")
@with_administrator
def change_parameters(
    options: AdministratorOptions,
    name: NameArgument,
    is_open: OpenOption = None,
    proof_systems: SystemsOption = None,
    reference_price: PriceOption = None,
    overflow_after: OverflowOption = None,
) -> None:
    """Change a subnetwork; what is not named stays as it is.

    \b
    Example:
      proofgrid admin subnetwork set acme --overflow-after never
    """
    change = _change(name, is_open, proof_systems, reference_price, overflow_after)
    _print_one(options.call(lambda network: network.subnetworks.SetSubnetwork, change), json=options.json)


@group.command("list")
@with_administrator
def list_subnetworks(options: AdministratorOptions) -> None:
    """List the subnetworks with their capacity and what waits in them.

    \b
    Example:
      proofgrid admin subnetwork list
    """
    from proofgrid.wire.v1.subnetworks_pb2 import ListSubnetworksRequest

    answer = options.call(lambda network: network.subnetworks.ListSubnetworks, ListSubnetworksRequest())
    if options.json:
        print_json([plain(one) for one in answer.subnetworks])
    else:
        print_subnetworks(answer.subnetworks)


@group.command("show")
@with_administrator
def show(options: AdministratorOptions, name: NameArgument) -> None:
    """Show a subnetwork with its members.

    \b
    Example:
      proofgrid admin subnetwork show acme
    """
    from proofgrid.wire.v1.subnetworks_pb2 import GetSubnetworkRequest

    request = GetSubnetworkRequest(name=name)
    found = options.call(lambda network: network.subnetworks.GetSubnetwork, request)
    _print_one(found, json=options.json)


@group.command("remove")
@with_administrator
def remove(options: AdministratorOptions, name: NameArgument) -> None:
    """Remove a subnetwork. Refused while tasks of it are open.

    \b
    Example:
      proofgrid admin subnetwork remove acme
    """
    from proofgrid.wire.v1.subnetworks_pb2 import RemoveSubnetworkRequest

    options.call(lambda network: network.subnetworks.RemoveSubnetwork, RemoveSubnetworkRequest(name=name))
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
    _change_members(options, lambda network: network.subnetworks.AllowMember, name, address, role)


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
    _change_members(options, lambda network: network.subnetworks.DenyMember, name, address, role)


def _change_members(
    options: AdministratorOptions, method: Method[MemberRequest, Subnetwork], name: str, address: str, role: str
) -> None:
    from proofgrid.wire.v1.subnetworks_pb2 import MemberRequest

    _print_one(options.call(method, MemberRequest(subnetwork=name, address=address, role=role)), json=options.json)


def _print_one(one: Subnetwork, *, json: bool) -> None:
    if json:
        print_json(plain(one))
        return
    print_subnetworks([one])
    say(f"proof systems: {', '.join(one.proof_systems) or 'all'}; tasks open: {one.tasks_open}")
    members = [(member.address, member.role, date_text(member.since_ms)) for member in one.members]
    if not one.open:
        print_table(("member", "role", "since"), members, empty="no members yet: proofgrid admin subnetwork allow")


def _change(
    name: str, is_open: bool | None, proof_systems: str | None, reference_price: int | None, overflow_after: str | None
) -> SubnetworkChange:
    from proofgrid.wire.v1.subnetworks_pb2 import ProofSystemNames, SubnetworkChange

    change = SubnetworkChange(name=name, open=is_open, reference_price=reference_price)
    if proof_systems is not None:
        names = [text.strip() for text in proof_systems.split(",") if text.strip()]
        change.proof_systems.CopyFrom(ProofSystemNames(names=[] if names == ["all"] else names))
    if overflow_after is not None:
        never = overflow_after == "never"
        change.overflow_after_ms = 0 if never else parse_duration_ms(overflow_after, field="overflow_after")
    return change
