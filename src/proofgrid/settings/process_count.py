"""How many processes a gateway has: a number, or as many as the machine is good for."""

from __future__ import annotations

import os
import sys

from proofgrid.primitives.errors import InvalidField
from proofgrid.settings.declared import Spelling

PROCESSES_MAX = 16
AUTO = "auto"
AUTO_MAX = 8  #: PostgreSQL and the workers need cores too


def usable_cores() -> int:
    """Return how many cores this process may use; 1 where the kernel does not spread connections."""
    return len(os.sched_getaffinity(0)) if sys.platform.startswith("linux") else 1


def read_processes(text: str) -> int:
    """Return the number that was written, or the machine's for `auto`. Raises InvalidField."""
    if text.strip().lower() == AUTO:
        return min(AUTO_MAX, usable_cores())
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise InvalidField(f"{text!r} is no number of processes", field="processes", hint=f"1, 2, ... or {AUTO}")
    return number


PROCESSES = Spelling(reads=read_processes, shows=str)
