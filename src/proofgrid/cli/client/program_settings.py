"""`proofgrid program settings`: what `-s` can say of a program, system by system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from proofgrid.cli.kit.console import print_json, print_table, say
from proofgrid.cli.kit.failures import error_to_json
from proofgrid.cli.kit.options import JsonOption
from proofgrid.primitives.canonical import Json

if TYPE_CHECKING:
    from proofgrid.proofs.base import SystemDescription


def add_to(group: typer.Typer) -> None:
    group.command("settings", short_help="List what -s can say of a program.")(run)


def run(
    system: Annotated[str | None, typer.Argument(metavar="[SYSTEM]", help="One proof system; all by default.")] = None,
    json: JsonOption = False,
) -> None:
    """List the settings of programs, with default and rule: what `-s` and `--settings` take.

    \b
    Example:
      proofgrid program settings
      proofgrid program settings ezkl --json
      proofgrid program register model.onnx -s slices=4 -s scale=8
    """
    from proofgrid.proofs.registry import installed_names, missing_systems, proof_system

    told = [proof_system(name).describe() for name in ([system] if system else installed_names())]
    missing = {} if system else missing_systems()
    if json:
        not_here = [{"system": name, "not_installed": error_to_json(error)} for name, error in missing.items()]
        print_json([*(_to_json(one) for one in told), *not_here])
        return
    for one in told:
        say(f"{one.name}: {one.program_format}, proven by {one.engine}", style="bold")
        rows = [(name, _default(one, name), _rule(rule)) for name, rule in one.settings_help.items()]
        print_table(("setting", "default", "rule"), rows, empty="it takes no settings")
    for error in missing.values():
        say(f"{error.detail}.", style="bold")
        say(error.hint)


def _to_json(one: SystemDescription) -> dict[str, object]:
    settings = [
        {"name": name, "default": one.settings_defaults.get(name), "rule": rule}
        for name, rule in one.settings_help.items()
    ]
    return {"system": one.name, "engine": one.engine, "program_format": one.program_format, "settings": settings}


def _default(one: SystemDescription, name: str) -> str:
    return _spelled(one.settings_defaults[name]) if name in one.settings_defaults else ""


def _rule(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _spelled(value: Json) -> str:
    """Return a value as `-s name=value` takes it."""
    import json

    return value if isinstance(value, str) else json.dumps(value)
