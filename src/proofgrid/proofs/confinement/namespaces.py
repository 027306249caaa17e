"""Namespaces of its own for a confined process, made by bubblewrap: files, processes, network, users.

In there it sees no process but its own, and none of its own outlives the first of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from proofgrid.proofs.confinement.kernel import IS_LINUX
from proofgrid.proofs.confinement.room import Room, graphics, read_in

_MADE_ANEW = ("/proc", "/dev")
_DEAD_OF_SIGNAL = 128


def find_bubblewrap() -> str:
    """Return the program; an empty text where there is none."""
    return (shutil.which("bwrap") or "") if IS_LINUX else ""


def within(bubblewrap: str, room: Room, command: list[str]) -> list[str]:
    """Return the command that runs `command` in namespaces of its own, with a room's folders; itself without."""
    return [bubblewrap, *_options(room), "--", *command] if bubblewrap else command


def exit_code_of(code: int, *, is_within: bool) -> int:
    """Return how a command ended, from how its bubblewrap did; negative for signals."""
    return _DEAD_OF_SIGNAL - code if is_within and code > _DEAD_OF_SIGNAL else code


def _options(room: Room) -> Iterator[str]:
    yield from (
        "--unshare-all",
        *(("--share-net",) if room.has_network else ()),
        "--die-with-parent",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
    )
    # Folders before what lies in them: the later one of two is seen.
    for path in sorted(set(read_in(room))):
        if str(path) not in _MADE_ANEW:
            yield from ("--ro-bind-try", str(path), str(path))
    for device in graphics():
        yield from ("--dev-bind-try", str(device), str(device))
    for path in room.writes:
        yield from ("--bind", str(path), str(path))
    yield from ("--chdir", str(room.writes[0] if room.writes else Path("/")))
