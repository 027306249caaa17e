"""`proofgrid keys`: make a key, look at a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from proofgrid.cli.kit.console import print_json, say
from proofgrid.cli.kit.options import JsonOption, default_key_path, read_signer_of
from proofgrid.primitives.errors import InvalidField

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
    module: Annotated[
        Path | None,
        typer.Option("--module", metavar="FILE", help="Make it inside of a PKCS#11 module: the module's library."),
    ] = None,
    token: Annotated[str, typer.Option("--token", metavar="LABEL", help="The module's token.")] = "proofgrid",  # noqa: S107
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="The key's name in the token.")] = "network",
    json: JsonOption = False,
) -> None:
    """Make a key and print its address. The file is readable by you only, and never overwrites another.

    With --module the key never leaves the module, and the file says only where it lies; the token's PIN is asked for,
    or taken from PROOFGRID_KEY_PASSWORD. It signs as any other, but for what follows from a key's secret: checkpoints
    and certificates of a network, and a development SRS.

    \b
    Example:
      proofgrid keys new --out me.key
      PROOFGRID_KEY_PASSWORD=… proofgrid keys new --encrypt
      proofgrid keys new --module /usr/lib/softhsm/libsofthsm2.so --token proofgrid --label root --out network.key
    """
    from proofgrid.sdk.keys import new_key, write_key, write_module_key

    path = out or default_key_path()
    if module is not None:
        from proofgrid.sdk.module_keys import ModulePlace, make_module_key

        if path.exists():
            raise InvalidField(f"{path} exists already", field="--out", hint="keys are never overwritten")
        place = ModulePlace(module=module, token=token, label=label)
        in_module = make_module_key(place, _password("PIN", again=False), field="--module")
        write_module_key(in_module, path)
        address = in_module.address
    else:
        key = new_key()
        write_key(key, path, password=_password("Password", again=True) if encrypt else None)
        address = key.address
    if json:
        print_json({"address": address, "file": str(path), "encrypted": encrypt, "in_module": module is not None})
        return
    say(address)
    if module is not None:
        say(f"{path} says where it lies; whoever has module and PIN is you", style="dim")
        return
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
    key = read_signer_of(file, os.environ.get(PASSWORD_VARIABLE, ""))
    if json:
        print_json({"address": key.address, "file": str(file or default_key_path())})
    else:
        say(key.address)


@group.command("encrypt")
def encrypt_file(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The key file. [default: yours]")] = None,
    json: JsonOption = False,
) -> None:
    """Encrypt a key file that lies open, in its place; the password is asked for, or taken from PROOFGRID_KEY_PASSWORD.

    A gateway opens its own keys by the same variable.

    \b
    Example:
      proofgrid keys encrypt ~/.local/share/proofgrid/network.key
    """
    from proofgrid.sdk.keys import encrypt_key

    path = file or default_key_path()
    key = encrypt_key(path, password=_password("Password", again=True))
    if json:
        print_json({"address": key.address, "file": str(path), "encrypted": True})
    else:
        say(f"{key.address}: {path} is encrypted; copies of before are not")


def _password(name: str, *, again: bool) -> str:
    return os.environ.get(PASSWORD_VARIABLE) or str(
        typer.prompt(name, hide_input=True, confirmation_prompt=again, err=True)
    )
