"""`proofgrid keys`: make a key, look at a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.options import JsonOption, default_key_path, read_key_of

PASSWORD_VARIABLE = "PROOFGRID_KEY_PASSWORD"  # noqa: S105  # its name, not its value

group = typer.Typer(
    name="keys",
    help="Make and show keys. A key is who you are: client, operator or administrator.",
    no_args_is_help=True,
)


@group.command("new")
def new(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where to write it. [default: client.key in your data directory]"
        ),
    ] = None,
    encrypt: Annotated[
        bool,
        typer.Option("--encrypt", help=f"Encrypt it; the password is asked for, or taken from {PASSWORD_VARIABLE}."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Make a key and print its address. The file is readable by you only, and never overwrites another.

    \b
    Example:
      proofgrid keys new --out me.key
      PROOFGRID_KEY_PASSWORD=… proofgrid keys new --encrypt
    """
    from proofgrid.sdk.keys import new_key, write_key

    path = out or default_key_path()
    password = _new_password() if encrypt else None
    key = new_key()
    write_key(key, path, password=password)
    if json:
        print_json({"address": key.address, "file": str(path), "encrypted": encrypt})
        return
    say(key.address)
    say(f"written to {path}; whoever has this file is you, so keep it and back it up", style="dim")


@group.command("show")
def show(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The key file. [default: yours]")] = None,
    json: JsonOption = False,
) -> None:
    """Print the address of a key, never the key.

    \b
    Example:
      proofgrid keys show me.key
    """
    key = read_key_of(file, os.environ.get(PASSWORD_VARIABLE, ""))
    if json:
        print_json({"address": key.address, "file": str(file or default_key_path())})
    else:
        say(key.address)


def _new_password() -> str:
    return os.environ.get(PASSWORD_VARIABLE) or str(
        typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    )
