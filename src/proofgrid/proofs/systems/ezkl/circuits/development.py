"""A reference string for development: whoever made it could know its trapdoor and forge proofs, so say so loudly."""

from __future__ import annotations

import os
from pathlib import Path

from proofgrid.primitives.errors import InvalidField

LOGROWS_MAX = 26
LOGROWS_SMALLEST = 12  #: smaller circuits use this size too; it costs them next to nothing


def make_development_srs_folder(folder: Path, logrows: int) -> None:
    """Make a folder of kzg<k>.srs for every usual k up to `logrows`, each circuit its fitting one.

    Takes twice the time of the largest. The files have trapdoors of their own: they are no cuts of one another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for size in range(min(logrows, LOGROWS_SMALLEST), logrows + 1):
        path = folder / f"kzg{size}.srs"
        if not path.exists():
            make_development_srs(path, size)


def make_development_srs(path: Path, logrows: int) -> None:
    """Write a fresh SRS of 2^logrows points; takes about 0.15 ms per point and core. Blocking, and CPU-heavy."""
    import ezkl  # the engine reads its environment at import, so it is imported where it runs

    if not 1 <= logrows <= LOGROWS_MAX:
        raise InvalidField(f"1 to {LOGROWS_MAX}", field="logrows")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        ezkl.gen_srs(str(part), logrows)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
