"""A ceremony's file becomes a folder of kzg<k>.srs: every file is checked before it has its name.

It fetches nothing. Whoever takes part in a ceremony, or trusts one, has its file; we say whether it is one.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.primitives.whole_files import written_whole
from proofgrid.proofs.systems.ezkl.reference.checking import check_reference_string
from proofgrid.proofs.systems.ezkl.reference.curve import Progress
from proofgrid.proofs.systems.ezkl.reference.cutting import write_cut
from proofgrid.proofs.systems.ezkl.reference.files import (
    LOGROWS_SMALLEST,
    ReferenceFile,
    open_reference_file,
)
from proofgrid.proofs.systems.ezkl.reference.ptau import MAGIC, PtauFile, open_ptau

Source = ReferenceFile | PtauFile


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found to be a reference string."""

    form: str  #: "ezkl" or "ptau"
    logrows: int


def open_source(path: Path) -> Source:
    """Return a ceremony's file, of either form; raise InvalidField when it is neither."""
    if not path.is_file():
        raise InvalidField(f"there is no file {path}", field="file")
    with path.open("rb") as file:
        begins = file.read(len(MAGIC))
    if begins == MAGIC:
        return open_ptau(path)
    found = open_reference_file(path)
    if found is None:
        raise InvalidField(
            f"{path.name} is neither a .ptau file nor one of the engine's form, or it is not whole",
            field="file",
            hint="give a perpetual-powers-of-tau file (…_final_….ptau), or kzg<k>.srs",
        )
    return found


def check(path: Path, progress: Progress) -> Checked:
    """Raise InvalidField unless every point of the file belongs to one tau."""
    source = open_source(path)
    if isinstance(source, PtauFile):
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            target = Path(folder) / "whole.srs"
            source.write_as_engine(target, source.logrows)
            check_reference_string(ReferenceFile(target, source.logrows), progress)
        return Checked("ptau", source.logrows)
    check_reference_string(source, progress)
    return Checked("ezkl", source.logrows)


def import_ceremony(path: Path, folder: Path, *, logrows: int | None, progress: Progress) -> list[Path]:
    """Write kzg<k>.srs into the folder, checked; return what was written.

    A .ptau gives every usual size up to 2^logrows, a file of the engine's form that size alone (its own, or a cut).
    Raises InvalidField, and then leaves what was there as it was.
    """
    source = open_source(path)
    largest = source.logrows if logrows is None else logrows
    if largest > source.logrows:
        raise InvalidField(f"the file ends at 2^{source.logrows}", field="logrows", hint="take a larger file")
    folder.mkdir(parents=True, exist_ok=True)
    sizes = range(min(LOGROWS_SMALLEST, largest), largest + 1) if isinstance(source, PtauFile) else (largest,)
    written = []
    for size in sizes:
        target = folder / f"kzg{size}.srs"
        with written_whole(target) as part:
            _write(source, part, size, progress)
            file = ReferenceFile(part, size)
            _check_same_ceremony(file, folder)
            check_reference_string(file, progress)
        written.append(target)
    return written


def _write(source: Source, target: Path, logrows: int, progress: Progress) -> None:
    if isinstance(source, PtauFile):
        source.write_as_engine(target, logrows)
    else:
        write_cut(source, target, logrows, progress)


def _check_same_ceremony(file: ReferenceFile, folder: Path) -> None:
    for path in folder.glob("kzg*.srs"):
        other = open_reference_file(path)
        if other is None or other.tau_g2() != file.tau_g2():
            raise InvalidField(
                f"{path} is of another ceremony", field="out", hint="one folder holds one ceremony: choose another"
            )
