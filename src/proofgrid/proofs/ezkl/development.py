"""A reference string for development: whoever made it could know its trapdoor and forge proofs, so say so loudly."""

from __future__ import annotations

import os
from pathlib import Path

from proofgrid.primitives.errors import InvalidField

LOGROWS_MAX = 26


def make_development_srs(path: Path, logrows: int) -> None:
    """Write a fresh SRS of 2^logrows points; takes about 0.15 ms per point and core. Blocking, and CPU-heavy."""
    import ezkl  # the engine reads its environment at import, so it is imported where it runs

    if not 1 <= logrows <= LOGROWS_MAX:
        raise InvalidField(f"1 to {LOGROWS_MAX}", field="logrows")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        ezkl.gen_srs(str(part), logrows)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
