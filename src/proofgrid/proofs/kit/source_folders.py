"""The files that a client hands in as a folder: by the ends of their names, or as the proof system itself reads it."""

from __future__ import annotations

from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.offers import ReadsFolders
from proofgrid.proofs.registry import proof_system


def source_in(folder: Path, system: str) -> dict[str, Path]:
    """Return a folder's files by the names that a proof system takes them under.

    Other files are left alone. Raises InvalidField when two could be the same, or none is any.
    """
    chosen = proof_system(system)
    if isinstance(chosen, ReadsFolders):
        return dict(chosen.source_in(folder))
    suffixes = chosen.describe().source_suffixes
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        for name, suffix in suffixes.items():
            if path.is_file() and path.name.endswith(suffix):
                if name in found:
                    raise InvalidField(f"{found[name].name} and {path.name} may both be the {name}", field="model")
                found[name] = path
    if not found:
        ends = ", ".join(suffixes.values())
        raise InvalidField(f"{folder} holds no file of {system}", field="model", hint=f"their names end in {ends}")
    return found
