"""What is asked before something is signed for a chain."""

from __future__ import annotations

import typer

from proofgrid.cli.kit.console import say
from proofgrid.primitives.errors import InvalidField


def ask_to_sign(*lines: str, yes: bool, json: bool) -> None:
    """Say what would be signed, and ask; where nothing would be, or `yes` is said, nobody is asked.

    Raises InvalidField for a program that does not say `yes`, typer.Abort for a person who does not mean it.
    """
    if not json:
        for line in lines:
            say(line)
    if lines and not yes:
        if json:
            raise InvalidField("a program says that it means it", field="yes", hint="--yes")
        typer.confirm("Sign?", abort=True)
