"""Files of the perpetual powers of tau, as snarkjs writes them (.ptau, prepared for phase 2).

    "ptau"  version (u32)  sections (u32)  { kind (u32)  length (u64)  content }
    kind 1    bytes a number (u32)   the field   k (u32)   the ceremony's k (u32)
    kind 2    g * tau^i              3    g2 * tau^i, 2^k of them
    kind 12   Lagrange points of 2^0, 2^1, ... 2^k rows, one after the other; only in prepared files

Points stand there as in the engine's files. The Lagrange points are in another order: snarkjs counts with another root.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.reference.curve import FIELD
from proofgrid.proofs.systems.ezkl.reference.encoding import POINT_BYTES, POINT_G2_BYTES
from proofgrid.proofs.systems.ezkl.reference.files import LOGROWS_MAX, write_reference_string
from proofgrid.proofs.systems.ezkl.reference.powers import snarkjs_order

MAGIC = b"ptau"
_HEADER, _MONOMIAL, _G2, _LAGRANGE = 1, 2, 3, 12
_SECTIONS_MAX = 32


@dataclass(frozen=True, slots=True)
class PtauFile:
    """A prepared file: where its sections begin."""

    path: Path
    logrows: int
    sections: dict[int, tuple[int, int]]  #: kind -> (start, length)

    def write_as_engine(self, target: Path, logrows: int) -> None:
        """Write the string of 2^logrows rows in the engine's form; nothing is checked yet."""
        size = 1 << logrows
        lagrange = self._piece(_LAGRANGE, (size - 1) * POINT_BYTES, size * POINT_BYTES)
        places = snarkjs_order(logrows)
        write_reference_string(
            target,
            logrows,
            monomial=self._piece(_MONOMIAL, 0, size * POINT_BYTES),
            lagrange=b"".join(lagrange[place * POINT_BYTES : (place + 1) * POINT_BYTES] for place in places),
            tau_g2=self._piece(_G2, POINT_G2_BYTES, POINT_G2_BYTES),
        )

    def _piece(self, kind: int, start: int, size: int) -> bytes:
        begin, length = self.sections[kind]
        if start + size > length:
            raise _malformed("a section is too short")
        with self.path.open("rb") as file:
            file.seek(begin + start)
            content = file.read(size)
        if len(content) != size:
            raise _malformed("it ends too early")
        return content


def open_ptau(path: Path) -> PtauFile:
    """Return what a file holds; raise InvalidField when it is malformed, of another curve, or not prepared."""
    sections = _sections_of(path)
    if _HEADER not in sections:
        raise _malformed("it has no header")
    begin, length = sections[_HEADER]
    with path.open("rb") as file:
        file.seek(begin)
        header = file.read(length)
    if length != 4 + 32 + 8 or header[:36] != struct.pack("<I", 32) + FIELD.to_bytes(32, "little"):
        raise _malformed("it is not of the curve BN254")
    logrows = int(struct.unpack("<I", header[36:40])[0])
    if not 1 <= logrows <= LOGROWS_MAX:
        raise _malformed("its size is out of bounds")
    if not {_MONOMIAL, _G2} <= set(sections):
        raise _malformed("sections are missing")
    if _LAGRANGE not in sections:
        raise InvalidField(
            "the file is not prepared for phase 2: it has no Lagrange points",
            field="srs",
            hint="take the ceremony's file named …_final_…, or run: snarkjs powersoftau prepare phase2",
        )
    return PtauFile(path, logrows, sections)


def _sections_of(path: Path) -> dict[int, tuple[int, int]]:
    sections = {}
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        if len(start) != 12 or start[:4] != MAGIC:
            raise _malformed("it does not begin like one")
        count = int(struct.unpack("<I", start[8:])[0])
        if count > _SECTIONS_MAX:
            raise _malformed("it has too many sections")
        for _ in range(count):
            head = file.read(12)
            if len(head) != 12:
                raise _malformed("it ends too early")
            kind, length = struct.unpack("<IQ", head)
            if length > size_bytes - file.tell():
                raise _malformed("it ends too early")
            sections[int(kind)] = (file.tell(), int(length))
            file.seek(length, 1)
    return sections


def _malformed(text: str) -> InvalidField:
    return InvalidField(f"the .ptau file is malformed: {text}", field="srs", hint="fetch it again")
