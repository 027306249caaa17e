"""`proofgrid config`: which settings count and why, and a sample of their file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from proofgrid.cli.kit.console import print_json, print_table, say
from proofgrid.cli.kit.options import JsonOption
from proofgrid.cli.kit.setting_options import options_of, own_parameters, with_options
from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.declared import Effective, Settings, config_path, effective_settings
from proofgrid.settings.sample import KINDS, sample_file, toml_text

group = typer.Typer(
    name="config",
    help="Show which settings count and where they come from; write a sample of their file.",
    short_help="Settings: which count, and why.",
    no_args_is_help=True,
)
show = typer.Typer(
    name="show",
    help="""Show the settings of a process as it would find them now, and where each value comes from.

    From the lowest to the highest: default, file, environment, flag. Secrets are never shown.

    \b
    Example:
      proofgrid config show client
      proofgrid config show gateway --listen 0.0.0.0:7400
    """,
    short_help="Show which settings count, and where they come from.",
    no_args_is_help=True,
)
group.add_typer(show)

NOT_SHOWN = "(set; not shown)"
_PASSWORD = re.compile(r"(://[^/@:\s]*:|password=)('[^']*'|[^@&\s]+)")


@group.command("init", short_help="Write a sample of the settings file.")
def init(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where. [default: where settings are looked for]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write a sample of the settings file: every setting as a comment, with its default and what it does.

    \b
    Example:
      proofgrid config init
      proofgrid config init --out proofgrid.toml
    """
    path = out or config_path()
    if path.exists() and not force:
        raise InvalidField(f"{path} is there already", field="out", hint="--force writes over it, --out elsewhere")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(sample_file(), encoding="utf-8")
    if json:
        print_json({"file": str(path)})
        return
    say(f"{path}: every setting as a comment")
    if path != config_path():
        say(f"proofgrid --config {path} … reads it, and so does PROOFGRID_CONFIG={path}")


def _shower(kind: type[Settings]) -> Callable[..., None]:
    def command(found: list[Effective], json: JsonOption = False) -> None:
        if json:
            print_json({one.declared.name: {"value": _json_value(one), "source": one.source.value} for one in found})
            return
        path = config_path()
        say(f"[{kind.table}] of {path}{'' if path.exists() else ' (not there)'}")
        rows = [(one.declared.name, _text(one), _source_text(one)) for one in found]
        print_table(("setting", "value", "from"), rows, empty="it has no settings")

    command.__doc__ = f"""Show the settings of {_whose(kind)}, and where each value comes from. Takes the same flags.

    \b
    Example:
      proofgrid config show {kind.table}
    """
    given = options_of(kind)  # type: ignore[arg-type]  # a type has a hash
    return with_options(lambda **flags: effective_settings(kind, **flags), given, command, [], own_parameters(command))


def _whose(kind: type[Settings]) -> str:
    if kind.table == "client":
        return "every command of clients, operators and administrators"
    return f"`proofgrid {kind.table}`"


def _json_value(one: Effective) -> Any:
    if one.declared.told.is_secret:
        return NOT_SHOWN if one.value else None
    value = one.value
    return value if value is None or isinstance(value, bool | int) else _masked(str(value))


def _text(one: Effective) -> str:
    if one.declared.told.is_secret:
        return NOT_SHOWN if one.value else ""
    if one.value is None or one.value == "":
        return one.declared.told.default or ""
    if one.declared.told.spelling is not None:
        return one.declared.told.spelling.shows(one.value)
    return _masked(toml_text(one.value).strip('"'))


def _masked(text: str) -> str:
    """Return a value without the passwords that addresses of databases and stores may hold."""
    return _PASSWORD.sub(r"\1…", text)


def _source_text(one: Effective) -> str:
    return f"{one.source.value} {one.declared.variable}" if one.source.value == "environment" else one.source.value


for _kind in KINDS.values():
    show.command(_kind.table, short_help=f"Show the settings of {_kind.table}s.")(_shower(_kind))
