"""The structured reference string: a whole file for provers, 388 bytes of it for verifiers.

    k (u32)   2^k points g * tau^i   2^k points of the Lagrange basis   g2   g2 * tau
    4 bytes   64 bytes each          64 bytes each                      128  128

A verifier needs g, g2 and g2 * tau only: the file of size k = 0, whose one Lagrange point is g. That file is
pinned by a program's identity, for whoever chooses another tau can forge every proof.

A file that is larger than a circuit can be used, but the engine then computes the Lagrange basis anew at every
load, seconds each. So a network may have a folder of files, kzg12.srs, kzg13.srs and so on, as ceremonies publish them.

A commitment to a tensor is the sum of its elements times Lagrange points: the engine puts the tensor into the first
rows of a column, ones into the last few, zeros between. So a short file of the outer points gives the same commitment,
and loading it costs nothing; loading the whole file (64 bytes a point, each checked) is what a forward pass would
spend most of its time with.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from proofgrid.primitives.errors import InvalidField

_POINT_BYTES = 64
_HEADER_BYTES = 4
_TRAPDOOR_BYTES = 256
_LOGROWS_MAX = 28
_BLINDING_ROWS_MAX = 64  #: rows at a column's end that the engine fills; it uses six or so
_SPARE_LOGROWS = 2  #: proving on up to 4 times the rows is cheaper than cutting the file at every load
_NAME = re.compile(r"kzg(\d{1,2})\.srs")
_HINT = "make one for development, or give the file of a real ceremony, or a folder of kzg<k>.srs"


def srs_files(srs: Path | None) -> dict[int, Path]:
    """Return the files of an SRS by their k; raise InvalidField when there is none or one is malformed."""
    files: dict[int | None, Path] = {}
    wrong: list[str] = []
    if srs is not None and srs.is_dir():
        files = {int(found[1]): path for path in srs.iterdir() if (found := _NAME.fullmatch(path.name))}
        wrong = [path.name for logrows, path in files.items() if _logrows_of(path) != logrows]
    elif srs is not None and srs.is_file():
        files = {_logrows_of(srs): srs}
        wrong = [srs.name] if None in files else []
    if not files:
        raise InvalidField("proving needs a structured reference string (SRS)", field="srs", hint=_HINT)
    if wrong:
        raise InvalidField(f"{wrong[0]} is no KZG reference string in the engine's format", field="srs", hint=_HINT)
    return {logrows: path for logrows, path in files.items() if logrows is not None}


def fitting_srs(files: Mapping[int, Path], logrows: int, *, logrows_max: int) -> tuple[int, Path]:
    """Return how many rows to use, at least 2^logrows, and the file to use for them."""
    size = min(k for k in files if k >= logrows)
    return (size if size <= min(logrows + _SPARE_LOGROWS, logrows_max) else logrows), files[size]


def write_verifier_srs(srs: Path, target: Path) -> None:
    """Write the part of a checked SRS that verifiers need; the same for every size of one ceremony."""
    with srs.open("rb") as file:
        file.seek(_HEADER_BYTES)
        generator = file.read(_POINT_BYTES)
        file.seek(-_TRAPDOOR_BYTES, 2)
        trapdoor = file.read(_TRAPDOOR_BYTES)
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
        half_bytes = _POINT_BYTES << (short - 1)
        lagrange_end = _HEADER_BYTES + (2 * _POINT_BYTES << logrows)
        with srs.open("rb") as file:
            points = _piece(file, _HEADER_BYTES, 2 * half_bytes)
            first = _piece(file, lagrange_end - (_POINT_BYTES << logrows), half_bytes)
            last = _piece(file, lagrange_end - half_bytes, half_bytes)
            trapdoor = _piece(file, lagrange_end, _TRAPDOOR_BYTES)
        target.write_bytes(struct.pack("<I", short) + points + first + last + trapdoor)
    return target


def _piece(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _logrows_of(path: Path) -> int | None:
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) != _HEADER_BYTES:
        return None
    logrows = int(struct.unpack("<I", header)[0])
    if logrows > _LOGROWS_MAX:
        return None
    expected = _HEADER_BYTES + 2 * _POINT_BYTES * (1 << logrows) + _TRAPDOOR_BYTES
    return logrows if path.stat().st_size == expected else None
