"""A child that must not outlive its parent: it holds the end of a pipe, and stops when the other end is gone."""

from __future__ import annotations

import os
import sys
import threading
from typing import Annotated

import typer

from proofgrid.bootstrap.lifeline import end_this_process

LifelineOption = Annotated[
    bool, typer.Option("--lifeline", hidden=True, help="Stop when standard input closes (for a parent process).")
]


def stop_when_stdin_closes() -> None:
    """Stop this process, politely at first, as soon as standard input ends, which it does however the parent dies."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end_this_process()
