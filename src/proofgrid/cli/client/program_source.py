"""The files that a client hands in: one file, or a folder of which each file is known by the end of its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from proofgrid.primitives.errors import InvalidField

if TYPE_CHECKING:
    from proofgrid.proofs.base import SystemDescription


def source_at(place: Path, system: str, scratch: Path) -> dict[str, Path]:
    """Return what lies at a place by the names that a proof system takes it under.

    A file is what its name's end says, and what systems of one file call it otherwise; a folder is read by `source_in`.
    """
    from proofgrid.proofs.registry import proof_system

    if place.is_dir():
        return source_in(place, system, scratch)
    told = proof_system(system).describe()
    for name, form in told.source_packages.items():
        if place.is_file() and place.name.endswith(form.suffixes):
            return {name: _packed(place, name, told, scratch)}
    ends = [name for name, suffix in told.source_suffixes.items() if place.name.endswith(suffix)]
    return {ends[0] if ends else next(iter(told.source_suffixes)): place}


def source_in(folder: Path, system: str, scratch: Path) -> dict[str, Path]:
    """Return a folder's files by the names that a proof system takes them under; what is packed lies in `scratch`.

    Other files are left alone. Raises InvalidField when two could be the same, or none is any.
    """
    from proofgrid.proofs.registry import proof_system

    told = proof_system(system).describe()
    for name, form in told.source_packages.items():
        if (folder / form.marker).is_file():
            return {name: _packed(folder, name, told, scratch)}
    found: dict[str, Path] = {}
    for name, path in _named(folder, told):
        if name in found:
            raise InvalidField(f"{found[name].name} and {path.name} may both be the {name}", field="model")
        found[name] = path
    if not found:
        markers = [form.marker for form in told.source_packages.values()]
        ends = ", ".join((*told.source_suffixes.values(), *markers))
        raise InvalidField(f"{folder} holds no file of {system}", field="model", hint=f"their names end in {ends}")
    return found


def _named(folder: Path, told: SystemDescription) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        for name, suffix in told.source_suffixes.items():
            if path.is_file() and path.name.endswith(suffix):
                yield name, path


def _packed(place: Path, name: str, told: SystemDescription, scratch: Path) -> Path:
    from proofgrid.proofs.kit.packages import pack

    path = scratch / f"{name}.json"
    path.write_bytes(pack(place, told.source_packages[name]))
    return path
