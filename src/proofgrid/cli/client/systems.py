"""`proofgrid systems`: which proof systems work on this machine, what the others lack, and what gets it."""

from __future__ import annotations

from typing import Annotated

import typer

from proofgrid.cli.kit.console import complain, print_json, print_table, say
from proofgrid.cli.kit.failures import error_to_json
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.errors import InvalidField, UnknownProofSystem


def add_to(cli: typer.Typer) -> None:
    cli.command("systems", short_help="List the proof systems that work here.", rich_help_panel="Look")(run)


def run(
    engines: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENGINE]...", help="With --build: only these; those that take long are built only when named."
        ),
    ] = None,
    build: Annotated[
        bool, typer.Option("--build", help="Build what is missing and can be built here; takes a minute each.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the proof systems: which work on this machine, what the others lack, and the one command that gets it.

    \b
    Example:
      proofgrid systems
      proofgrid systems --build
      proofgrid systems --build miden
    """
    if engines and not build:
        raise InvalidField("engines are named to be built", field="ENGINE", hint="proofgrid systems --build ENGINE")
    failed = _build(engines or []) if build else []
    _tell(json=json)
    if failed:
        raise typer.Exit(1)


def _build(names: list[str]) -> list[str]:
    """Build what is missing; return the engines that could not be."""
    from proofgrid.proofs.kit.engine_programs import build_missing, engines_of

    failed = []
    for name, made in build_missing(engines_of(names), lambda name: complain(f"building the engine {name} …")):
        if isinstance(made, UnknownProofSystem):
            failed.append(name)
            complain(f"{made.detail}.", style="bold")
            complain(f"  {made.hint}")
        else:
            complain(f"built {name}: {made}")
    return failed


def _tell(*, json: bool) -> None:
    from proofgrid.proofs.registry import installed_names, missing_systems, proof_system

    told = [proof_system(name).describe() for name in installed_names()]
    missing = missing_systems()
    if json:
        works = [{"system": one.name, "engine": one.engine, "takes": one.program_format} for one in told]
        print_json([*works, *({"system": name, "not_installed": error_to_json(e)} for name, e in missing.items())])
        return
    rows = [(one.name, one.engine, one.program_format) for one in told]
    print_table(("system", "engine", "takes"), rows, empty="no proof system works here")
    for error in missing.values():
        say(f"{error.detail}.", style="bold")
        say(f"  {error.hint}")
