"""The structured reference string: a whole file for provers, 388 bytes of it for verifiers.

    k (u32)   2^k points g * tau^i   2^k points of the Lagrange basis   g2   g2 * tau
    4 bytes   64 bytes each          64 bytes each                      128  128

A verifier needs g, g2 and g2 * tau only: the file of size k = 0, whose one Lagrange point is g. That file is
pinned by a program's identity, for whoever chooses another tau can forge every proof.

A file that is larger than a circuit can be used, but the engine then computes the Lagrange basis anew at every
load: two minutes of a slow core for 2^15 rows, at every build, request and proof. So a build cuts it to the circuits'
size once, and a network may have a folder of files, kzg12.srs, kzg13.srs and so on, as ceremonies publish them.

A commitment to a tensor is the sum of its elements times Lagrange points: the engine puts the tensor into the first
rows of a column, ones into the last few, zeros between. So a short file of the outer points gives the same commitment,
and loading it costs nothing; loading the whole file (64 bytes a point, each checked) is what a forward pass would
spend most of its time with.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.circuits import development
from proofgrid.proofs.systems.ezkl.reference.curve import Progress
from proofgrid.proofs.systems.ezkl.reference.cutting import write_cut
from proofgrid.proofs.systems.ezkl.reference.encoding import POINT_BYTES
from proofgrid.proofs.systems.ezkl.reference.files import HEADER_BYTES, TRAPDOOR_BYTES, open_reference_file

_BLINDING_ROWS_MAX = 64  #: rows at a column's end that the engine fills; it uses six or so
_SPARE_LOGROWS = 2  #: up to 4 times the rows are taken as they are; part of what programs of old are named by
_NAME = re.compile(r"kzg(\d{1,2})\.srs")
_HINT = (
    "get the network's (proofgrid srs get), make one for development (proofgrid srs make), "
    "or import a ceremony's file (proofgrid srs import)"
)


@dataclass(frozen=True, slots=True)
class ReferenceStrings:
    """A reference string in its sizes, each the k of 2^k rows."""

    files: Mapping[int, Path]  #: those that are there
    missing: Mapping[int, Path]  #: sizes that are offered but not there, and the folder where they belong

    @property
    def logrows_max(self) -> int:
        """The largest size."""
        return max(*self.files, *self.missing, 0)

    def cut_to_fit(self, logrows: int, *, logrows_max: int, workdir: Path, progress: Progress) -> tuple[int, Path]:
        """Return what `fitting` returns, but a file of just so many rows; one that is cut lies in `workdir`."""
        rows, path = self.fitting(logrows, logrows_max=logrows_max, progress=progress)
        source = open_reference_file(path)
        if source is None:
            raise _malformed(path)
        if source.logrows == rows:
            return rows, path
        target = workdir / f"srs.cut{rows}"
        write_cut(source, target, rows, progress)
        return rows, target

    def fitting(self, logrows: int, *, logrows_max: int, progress: Progress) -> tuple[int, Path]:
        """Return how many rows to use, at least 2^logrows, and the file to use for them; a missing one is made.

        Raises InvalidField where it cannot be made: away from the network that it belongs to.
        """
        size = min(k for k in (*self.files, *self.missing) if k >= logrows)
        rows = size if size <= min(logrows + _SPARE_LOGROWS, logrows_max) else logrows
        return rows, self.files[size] if size in self.files else _made(self.missing[size], size, progress)


def reference_strings(srs: Path | None) -> ReferenceStrings:
    """Return what an SRS holds, or can be made to hold; raise InvalidField when there is none or one is malformed."""
    offered = None if srs is None else development.offered_sizes(srs)
    if srs is None or offered is None:
        return ReferenceStrings(srs_files(srs), {})
    files = development.made_sizes(srs)
    _refuse_malformed(files)
    return ReferenceStrings(files, {logrows: srs for logrows in offered if logrows not in files})


def srs_files(srs: Path | None) -> dict[int, Path]:
    """Return the files of a ceremony's SRS by their k; raise InvalidField when there is none or one is malformed."""
    files: dict[int, Path] = {}
    if srs is not None and srs.is_dir():
        files = {int(found[1]): path for path in srs.iterdir() if (found := _NAME.fullmatch(path.name))}
        _refuse_malformed(files)
    elif srs is not None and srs.is_file():
        single = open_reference_file(srs)
        if single is None:
            raise _malformed(srs)
        files = {single.logrows: srs}
    if not files:
        raise InvalidField("proving needs a structured reference string (SRS)", field="srs", hint=_HINT)
    return files


def _refuse_malformed(files: Mapping[int, Path]) -> None:
    for logrows, path in files.items():
        if _logrows_of(path) != logrows:
            raise _malformed(path)


def _malformed(path: Path) -> InvalidField:
    return InvalidField(f"{path.name} is no KZG reference string in the engine's format", field="srs", hint=_HINT)


def _made(folder: Path, logrows: int, progress: Progress) -> Path:
    if not development.is_made_here(folder):
        raise InvalidField(
            f"the circuits need the reference string of 2^{logrows} rows, which is not in {folder}",
            field="srs",
            hint="register the model, for which the network makes it, then get it: proofgrid srs get",
        )
    return development.development_file(folder, logrows, progress)


def write_verifier_srs(srs: Path, target: Path) -> None:
    """Write the part of a checked SRS that verifiers need; the same for every size of one ceremony."""
    with srs.open("rb") as file:
        file.seek(HEADER_BYTES)
        generator = file.read(POINT_BYTES)
        file.seek(-TRAPDOOR_BYTES, 2)
        trapdoor = file.read(TRAPDOOR_BYTES)
    target.write_bytes(struct.pack("<I", 0) + generator + generator + trapdoor)


def committing_srs(srs: Path, *, logrows: int, elements: int, workdir: Path) -> Path:
    """Return a file that commits to tensors of up to `elements` as `srs` does: the shortest, written to `workdir`.

    It is `srs` itself when that is as short, or of another size than the circuit (its Lagrange points are others then).
    """
    short = max(elements, _BLINDING_ROWS_MAX - 1).bit_length() + 1  # each half holds them
    if short >= logrows or _logrows_of(srs) != logrows:
        return srs
    target = workdir / f"srs.{short}"
    if not target.exists():
        half_bytes = POINT_BYTES << (short - 1)
        lagrange_end = HEADER_BYTES + (2 * POINT_BYTES << logrows)
        with srs.open("rb") as file:
            points = _piece(file, HEADER_BYTES, 2 * half_bytes)
            first = _piece(file, lagrange_end - (POINT_BYTES << logrows), half_bytes)
            last = _piece(file, lagrange_end - half_bytes, half_bytes)
            trapdoor = _piece(file, lagrange_end, TRAPDOOR_BYTES)
        target.write_bytes(struct.pack("<I", short) + points + first + last + trapdoor)
    return target


def _piece(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _logrows_of(path: Path) -> int | None:
    found = open_reference_file(path)
    return None if found is None else found.logrows
