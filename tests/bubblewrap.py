"""Whether this machine makes namespaces: the program may be there, and a container refuse it what it needs."""

from __future__ import annotations

import subprocess
from functools import cache

from proofgrid.proofs.confinement.namespaces import find_bubblewrap, within
from proofgrid.proofs.confinement.room import Room


@cache
def working_bubblewrap() -> str:
    """Return the program; an empty text where it is not there, or makes nothing."""
    found = find_bubblewrap()
    if found and subprocess.run(within(found, Room(), ["true"]), capture_output=True, check=False).returncode == 0:
        return found
    return ""
