"""The structured reference string: a whole file for provers, 388 bytes of it for verifiers.

    k (u32)   2^k points g * tau^i   2^k points of the Lagrange basis   g2   g2 * tau
    4 bytes   64 bytes each          64 bytes each                      128  128

A verifier needs g, g2 and g2 * tau only: the file of size k = 0, whose one Lagrange point is g. That file is
pinned by a program's identity, for whoever chooses another tau can forge every proof.
"""

from __future__ import annotations

import struct
from pathlib import Path

from proofgrid.primitives.errors import InvalidField

_POINT_BYTES = 64
_HEADER_BYTES = 4
_TRAPDOOR_BYTES = 256
_LOGROWS_MAX = 28

VERIFIER_BYTES = _HEADER_BYTES + 2 * _POINT_BYTES + _TRAPDOOR_BYTES


def srs_logrows(srs: Path | None) -> tuple[Path, int]:
    """Return an SRS file and its k; raise InvalidField when it is missing or no such file."""
    hint = "make one for development with `ezkl.gen_srs`, or give a file of a real ceremony"
    if srs is None or not srs.is_file():
        raise InvalidField("proving needs a structured reference string (SRS)", field="srs", hint=hint)
    with srs.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    logrows = struct.unpack("<I", header)[0] if len(header) == _HEADER_BYTES else _LOGROWS_MAX + 1
    if logrows > _LOGROWS_MAX or srs.stat().st_size != _size_bytes(logrows):
        raise InvalidField("the file is no KZG reference string in the engine's format", field="srs", hint=hint)
    return srs, int(logrows)


def write_verifier_srs(srs: Path, target: Path) -> None:
    """Write the part of a checked SRS that verifiers need; the same for every size of one ceremony."""
    with srs.open("rb") as file:
        file.seek(_HEADER_BYTES)
        generator = file.read(_POINT_BYTES)
        file.seek(-_TRAPDOOR_BYTES, 2)
        trapdoor = file.read(_TRAPDOOR_BYTES)
    target.write_bytes(struct.pack("<I", 0) + generator + generator + trapdoor)


def _size_bytes(logrows: int) -> int:
    return int(_HEADER_BYTES + 2 * _POINT_BYTES * 2**logrows + _TRAPDOOR_BYTES)
