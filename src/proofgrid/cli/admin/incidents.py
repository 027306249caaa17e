"""`proofgrid admin incident`: what the network noticed by itself, what it did, and how that ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import date_text, plain, print_answers, print_json, say
from proofgrid.cli.kit.options import AdministratorOptions, LimitOption, with_administrator

if TYPE_CHECKING:
    from proofgrid.sdk.answers.administration import Incident

group = typer.Typer(
    name="incident",
    help="What the network noticed by itself, and did about it: list, show, postmortem, close.",
    epilog="Kinds, thresholds and acts: docs/operations.md. Each incident names its page of docs/runbooks. "
    "`proofgrid admin drill` causes each kind for real, elsewhere.",
    no_args_is_help=True,
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
    """List what is open: what was noticed, what was done, and how it ends.

    \b
    Example:
      proofgrid admin incident list
      proofgrid admin incident list --all --json
    """
    print_answers(
        options.ask(lambda client: client.admin.incidents(limit=limit, closed=all)),
        ("number>", "kind", "about", "what", "done", "ends", "opened (UTC)", "closed"),
        lambda one: (
            one.incident_id,
            one.kind,
            one.subject,
            one.detail,
            one.acted or "not yet",
            _ends(one),
            date_text(one.opened_ms),
            date_text(one.closed_ms),
        ),
        empty="no incidents",
        json=options.json,
    )


@group.command("show")
@with_administrator
def show_incident(options: AdministratorOptions, incident: IncidentArgument) -> None:
    """Show one: what was noticed, what was done, how it ends, and which runbook says what people do.

    \b
    Example:
      proofgrid admin incident show 1
    """
    _print(options.ask(lambda client: client.admin.incident(incident)), json=options.json)


@group.command("postmortem")
@with_administrator
def post_mortem(
    options: AdministratorOptions,
    incident: IncidentArgument,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead.")] = None,
) -> None:
    """Print the draft of a post-mortem: what happened when, and the questions that people answer, in Markdown.

    \b
    Example:
      proofgrid admin incident postmortem 1 --out incident-1.md
    """
    answer = options.ask(lambda client: client.admin.post_mortem(incident))
    if out is not None:
        out.write_text(answer.draft, encoding="utf-8")
    if options.json:
        print_json(plain(answer))
    elif out is None:
        typer.echo(answer.draft)
    else:
        say(f"{out}: the draft of a post-mortem of incident {incident}")


@group.command("close")
@with_administrator
def close_incident(
    options: AdministratorOptions,
    incident: IncidentArgument,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="For its timeline and the post-mortem.")] = "",
) -> None:
    """Say that one was looked at and repaired: its act is taken back. What is still wrong opens a new one.

    \b
    Example:
      proofgrid admin check-ledger
      proofgrid admin incident close 1 --why "a restore by hand had left a balance behind"
    """
    _print(options.ask(lambda client: client.admin.close_incident(incident, why=why)), json=options.json)


def _ends(incident: Incident) -> str:
    if incident.until_ms:
        return f"at {date_text(incident.until_ms)}"
    return "when its signal is gone" if incident.ends == "when_over" else "by hand"


def _print(incident: Incident, *, json: bool) -> None:
    if json:
        print_json(plain(incident))
        return
    say(f"{incident.incident_id}: {incident.kind} of {incident.subject}", style="bold")
    say(f"  {incident.detail}")
    say(f"  opened {date_text(incident.opened_ms)}")
    say(f"  done   {incident.acted or 'nothing yet'}")
    if incident.closed_ms:
        say(f"  closed {date_text(incident.closed_ms)} by {incident.closed_by}")
    else:
        say(f"  ends   {_ends(incident)}")
        say(f"  next   docs/runbooks/{incident.runbook}.md, then:")
        say(f"         proofgrid admin incident close {incident.incident_id}")
