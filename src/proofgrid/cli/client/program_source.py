"""The files that a client hands in: one file, or a folder of which each file is known by the end of its name."""

from __future__ import annotations

from pathlib import Path

from proofgrid.primitives.errors import InvalidField


def source_in(folder: Path, system: str) -> dict[str, Path]:
    """Return a folder's files by the names that a proof system takes them under.

    Other files are left alone. Raises InvalidField when two could be the same, or none is any.
    """
    from proofgrid.proofs.registry import proof_system

    suffixes = proof_system(system).describe().source_suffixes
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
