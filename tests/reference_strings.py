"""Reference strings of tests: one of each size is made on a machine, of a trapdoor that nobody kept, and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import ezkl
import platformdirs

from tests.proofs.npm import alone_in


def reference_string(logrows: int, path: Path) -> Path:
    """Write a string of 2^logrows rows to `path`, and return it."""
    place = platformdirs.user_cache_path("proofgrid-tests") / "srs"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / f"kzg{logrows}.srs"
    with alone_in(place):
        if not kept.exists():
            made = place / "being-made"
            ezkl.gen_srs(str(made), logrows)
            made.replace(kept)
    shutil.copy(kept, path)
    return path


def reference_strings(folder: Path, *logrows: int) -> Path:
    """Write strings of these sizes into a folder, by the names that a folder of them has, and return it."""
    for rows in logrows:
        reference_string(rows, folder / f"kzg{rows}.srs")
    return folder
