"""What a service writes is its own user's: files 0600, folders 0700. What somebody asks for by name keeps the umask."""

from __future__ import annotations

import os
from pathlib import Path

from proofgrid.primitives.errors import InvalidField

OTHERS = 0o077  #: permissions of everybody but the owner


def keep_files_private() -> None:
    """From now on this process, and what it starts, makes files and folders that only its user can open."""
    os.umask(OTHERS)


def write_private_file(path: Path, text: str, *, field: str) -> None:
    """Write a new file that only its user can read, durably. Raises InvalidField where it is there already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidField(
            f"{path} exists already", field=field, hint="choose another name; keys are never overwritten"
        ) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def private_folder(path: Path) -> Path:
    """Return a folder that only its owner can enter, made where it is missing.

    One that is there and ours is closed to others: what an earlier release left in it may be readable.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.stat()
    if found.st_mode & OTHERS and found.st_uid == os.geteuid():
        path.chmod(found.st_mode & 0o7777 & ~OTHERS)
    return path
