"""`proofgrid doctor`: what is missing on this machine, and the one command that gets each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.failures import EXIT_FAILED
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import options_of, own_parameters, with_options
from proofgrid.primitives.event_loop import run_async
from proofgrid.settings.client import ClientSettings
from proofgrid.settings.declared import Settings
from proofgrid.settings.gateway import GatewaySettings
from proofgrid.settings.prover import ProverSettings

if TYPE_CHECKING:
    from proofgrid.rules.diagnosis.finding import Finding

group = typer.Typer(
    name="doctor",
    help="""Say what is missing on this machine, and the one command that mends each.

    It looks at Python, cores, memory, disk, limits and clock; keys, certificates and ports; the database, the artifact
    store and the gateway; proof systems and what they need; and how well jobs are shut in. It changes nothing, but for
    a few files that it writes and removes. Exit code 1 when something will not work.

    \b
    Example:
      proofgrid doctor client
      proofgrid doctor prover --key operator.key
      proofgrid doctor gateway --dsn postgresql://…
    """,
    short_help="What is missing on this machine, and how to get it.",
    no_args_is_help=True,
    rich_help_panel="Look",
)

_MARKS = {"good": ("✓", "green"), "note": ("·", "yellow"), "fault": ("✗", "bold red")}


def _examiner(kind: type[Settings]) -> Callable[..., None]:
    def command(flags: Mapping[str, object], json: JsonOption = False) -> None:
        run_doctor(kind.table, flags, json=json)

    command.__doc__ = f"""Say what this machine lacks to be a {kind.table}. Takes the same flags and settings.

    \b
    Example:
      proofgrid doctor {kind.table}
      proofgrid doctor {kind.table} --json
    """
    given = options_of(kind)  # type: ignore[arg-type]  # a type has a hash
    return with_options(lambda **flags: flags, given, command, [], own_parameters(command))


def run_doctor(role_name: str, flags: Mapping[str, object], *, json: bool) -> None:
    """Print what is to be said of this machine in a role; end with exit code 1 where something will not work."""
    from proofgrid.bootstrap.diagnosis.doctor import examine
    from proofgrid.primitives.clock import SystemClock
    from proofgrid.rules.diagnosis.finding import Role, is_well

    found = run_async(examine(Role(role_name), flags, SystemClock()))
    if json:
        print_json({"role": role_name, "ok": is_well(found), "findings": [asdict(one) for one in found]})
    else:
        _print(found, role_name)
    if not is_well(found):
        raise typer.Exit(EXIT_FAILED)


def _print(found: Sequence[Finding], role_name: str) -> None:
    for one in found:
        mark, style = _MARKS[one.verdict]
        say(f"{mark} {one.what}: {one.said}", style=style if one.verdict != "good" else "")
        if one.mend:
            say(f"    {one.mend}")
    faults = sum(one.verdict == "fault" for one in found)
    if faults:
        say(f"{faults} fault{'s' if faults > 1 else ''}: this machine cannot be a {role_name} yet", style="bold red")
    else:
        say(f"this machine can be a {role_name}", style="bold green")


for _kind in (ClientSettings, ProverSettings, GatewaySettings):
    group.command(_kind.table, short_help=f"What a {_kind.table} needs here.")(_examiner(_kind))
