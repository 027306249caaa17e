"""The files that a client hands in as a folder: by the ends of their names, packed, or as the proof system reads it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.base import PackedSource, SystemDescription
from proofgrid.proofs.kit.packages import pack
from proofgrid.proofs.offers import ReadsFolders
from proofgrid.proofs.registry import proof_system


def source_at(place: Path, system: str) -> dict[str, Path]:
    """Return a folder's files as `source_in` does, or a single file under the name that its own name's end says."""
    if place.is_dir():
        return source_in(place, system)
    told = proof_system(system).describe()
    for name, form in told.source_packages.items():
        if place.is_file() and place.name.endswith(form.suffixes):
            return {name: _packed(place, name, form)}
    ends = [name for name, suffix in told.source_suffixes.items() if place.name.endswith(suffix)]
    return {ends[0] if ends else next(iter(told.source_suffixes)): place}


def source_in(folder: Path, system: str) -> dict[str, Path]:
    """Return a folder's files by the names that a proof system takes them under.

    Other files are left alone; what is packed lies in a folder of this process, until it ends. Raises InvalidField when
    two could be the same, or none is any.
    """
    chosen = proof_system(system)
    if isinstance(chosen, ReadsFolders):
        return dict(chosen.source_in(folder))
    told = chosen.describe()
    for name, form in told.source_packages.items():
        if (folder / form.marker).is_file():
            return {name: _packed(folder, name, form)}
    found: dict[str, Path] = {}
    for name, path in _named(folder, told):
        if name in found:
            raise InvalidField(f"{found[name].name} and {path.name} may both be the {name}", field="model")
        found[name] = path
    if not found:
        ends = ", ".join((*told.source_suffixes.values(), *(form.marker for form in told.source_packages.values())))
        raise InvalidField(f"{folder} holds no file of {system}", field="model", hint=f"their names end in {ends}")
    return found


def _named(folder: Path, told: SystemDescription) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        for name, suffix in told.source_suffixes.items():
            if path.is_file() and path.name.endswith(suffix):
                yield name, path


def _packed(place: Path, name: str, form: PackedSource) -> Path:
    path = Path(tempfile.mkdtemp(dir=_scratch())) / f"{name}.json"
    path.write_bytes(pack(place, form))
    return path


@cache
def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="proofgrid-source-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
