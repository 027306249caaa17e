"""The engine's file of a reference string, whole: what stands where, and how it is written.

k (u32)   2^k points g * tau^i   2^k points of the Lagrange basis   g2   g2 * tau
4 bytes   64 bytes each          64 bytes each                      128  128
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from proofgrid.proofs.systems.ezkl.reference.encoding import GENERATOR_G2, POINT_BYTES, POINT_G2_BYTES, encode_g2

HEADER_BYTES = 4
TRAPDOOR_BYTES = 2 * POINT_G2_BYTES
LOGROWS_MAX = 28
LOGROWS_SMALLEST = 12  #: smaller circuits use this size too; it costs them next to nothing


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """A file whose header and length fit."""

    path: Path
    logrows: int

    def monomial(self, start: int, count: int) -> bytes:
        """Return points g * tau^i from i = start on."""
        return self._piece(HEADER_BYTES + start * POINT_BYTES, count * POINT_BYTES)

    def lagrange(self, start: int, count: int) -> bytes:
        """Return points of the Lagrange basis."""
        return self._piece(HEADER_BYTES + ((1 << self.logrows) + start) * POINT_BYTES, count * POINT_BYTES)

    def g2(self) -> bytes:
        """Return the second group's generator."""
        return self._piece(HEADER_BYTES + (2 << self.logrows) * POINT_BYTES, POINT_G2_BYTES)

    def tau_g2(self) -> bytes:
        """Return the second group's generator times tau."""
        return self._piece(HEADER_BYTES + (2 << self.logrows) * POINT_BYTES + POINT_G2_BYTES, POINT_G2_BYTES)

    def _piece(self, start: int, size: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size)


def open_reference_file(path: Path) -> ReferenceFile | None:
    """Return the file, or None when it is no file of this form."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if len(header) != HEADER_BYTES:
        return None
    logrows = int(struct.unpack("<I", header)[0])
    if logrows > LOGROWS_MAX:
        return None
    expected = HEADER_BYTES + 2 * POINT_BYTES * (1 << logrows) + TRAPDOOR_BYTES
    return ReferenceFile(path, logrows) if path.stat().st_size == expected else None


def write_reference_string(path: Path, logrows: int, *, monomial: bytes, lagrange: bytes, tau_g2: bytes) -> None:
    """Write a file, down to the disk."""
    with path.open("wb") as file:
        file.write(struct.pack("<I", logrows))
        file.write(monomial)
        file.write(lagrange)
        file.write(encode_g2(GENERATOR_G2) + tau_g2)
        file.flush()
        os.fsync(file.fileno())
