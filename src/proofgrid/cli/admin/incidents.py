"""`proofgrid admin incidents`: what stopped settlement, and how it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answers, print_json, say
from proofgrid.cli.kit.options import AdministratorOptions, LimitOption, with_administrator

if TYPE_CHECKING:
    from proofgrid.sdk.answers.administration import Incident

group = typer.Typer(
    name="incidents", help="Violations that stopped settlement: list, show, close.", no_args_is_help=True
)

IncidentArgument = Annotated[int, typer.Argument(metavar="INCIDENT", min=1, help="Its number.")]


def add_to(admin: typer.Typer) -> None:
    admin.add_typer(group)


@group.command("list")
@with_administrator
def list_incidents(
    options: AdministratorOptions,
    limit: LimitOption = 100,
    all: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,  # noqa: A002
) -> None:
    """List what was found to be wrong, and whether it stops settlement.

    \b
    Example:
      proofgrid admin incidents list
    """
    print_answers(
        options.ask(lambda client: client.admin.incidents(limit=limit, closed=all)),
        ("number>", "kind", "about", "what", "stops", "opened (UTC)", "closed"),
        lambda one: (
            one.incident_id,
            one.kind,
            one.subject,
            one.detail,
            "settlement" if one.stops_settlement else "",
            date_text(one.opened_ms),
            date_text(one.closed_ms),
        ),
        empty="no incidents",
        json=options.json,
    )


@group.command("show")
@with_administrator
def show_incident(options: AdministratorOptions, incident: IncidentArgument) -> None:
    """Show one incident.

    \b
    Example:
      proofgrid admin incidents show 1
    """
    _print(options.ask(lambda client: client.admin.incident(incident)), json=options.json)


@group.command("close")
@with_administrator
def close_incident(options: AdministratorOptions, incident: IncidentArgument) -> None:
    """Say that an incident was looked at and repaired; when none is open, settlement goes on.

    What is still wrong opens a new one.

    \b
    Example:
      proofgrid admin check-ledger
      proofgrid admin incidents close 1
    """
    _print(options.ask(lambda client: client.admin.close_incident(incident)), json=options.json)


def _print(incident: Incident, *, json: bool) -> None:
    if json:
        print_json(plain(incident))
        return
    say(f"{incident.incident_id}: {incident.kind} of {incident.subject}", style="bold")
    say(f"  {incident.detail}")
    say(f"  opened {date_text(incident.opened_ms)}")
    if incident.closed_ms:
        say(f"  closed {date_text(incident.closed_ms)} by {incident.closed_by}")
    else:
        say("  open: nothing is paid, given back or taken out" if incident.stops_settlement else "  open")
