"""Programs of SP1 are ELF files for RISC-V; looked at here before anything else reads them, and bounded.

Only what a reader could stumble over: headers that point outside, memory that a few bytes ask for. What SP1 itself
rules besides (where segments lie, which rights they have) its own reader says.
Source: System V ABI, "Object Files"; RISC-V ELF psABI, section "File Header".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from proofgrid.primitives.errors import InvalidProgram

ELF_BYTES_MAX = 32 << 20
MEMORY_BYTES_MAX = 64 << 20  #: of all segments: the image that a program begins with
SEGMENTS_MAX = 64

_FIELD = "source.elf"
_IDENT = struct.Struct("<4sBBB9x")
_HEADER = struct.Struct("<HHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_MAGIC, _CLASS_64, _LITTLE_ENDIAN, _VERSION = b"\x7fELF", 2, 1, 1
_EXECUTABLE, _RISCV, _LOADED = 2, 243, 1
_RUNS = 1  #: the right of a segment to be executed
_ADDRESS_MAX = 1 << 48
#: In the header's flags: instructions of 2 bytes, floating-point registers, half the registers. SP1 has none of them.
_COMPRESSED, _FLOATS, _EMBEDDED = 0x1, 0x6, 0x8
_HINT = "SP1 runs static programs for riscv64im (soft float, no compressed instructions)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the file that is loaded."""

    runs: bool
    address: int
    file_bytes: int
    memory_bytes: int


def check_elf(content: bytes) -> None:
    """Raise InvalidProgram unless this is a program for 64-bit RISC-V whose parts lie inside it and fit in memory."""
    entry, segments = _read(content)
    if not segments:
        raise _wrong("nothing of it is loaded")
    if sum(segment.memory_bytes for segment in segments) > MEMORY_BYTES_MAX:
        raise _wrong(f"it asks for more than {MEMORY_BYTES_MAX >> 20} MiB of memory before it runs")
    if not any(_begins_in(segment, entry) for segment in segments if segment.runs):
        raise _wrong("its first instruction is in no executable segment")


def _read(content: bytes) -> tuple[int, list[Segment]]:
    if len(content) > ELF_BYTES_MAX:
        raise _wrong(f"a program has at most {ELF_BYTES_MAX >> 20} MiB")
    if len(content) < _IDENT.size + _HEADER.size or content[:4] != _MAGIC:
        raise _wrong("this is no ELF file")
    ident = _IDENT.unpack_from(content)
    kind, machine, version, entry, table, _, flags, _, size, count, *_ = _HEADER.unpack_from(content, _IDENT.size)
    if ident[1:] != (_CLASS_64, _LITTLE_ENDIAN, _VERSION) or version != _VERSION:
        raise _wrong("an ELF file of 64 bits, little-endian")
    if machine != _RISCV or flags & (_COMPRESSED | _FLOATS | _EMBEDDED):
        raise _wrong("it is for another machine")
    if kind != _EXECUTABLE:
        raise _wrong("it is no executable: objects and shared libraries are not taken")
    if size != _SEGMENT.size or not 1 <= count <= SEGMENTS_MAX or table + size * count > len(content):
        raise _wrong(f"a table of 1 to {SEGMENTS_MAX} segments, inside the file")
    rows = (_SEGMENT.unpack_from(content, table + size * index) for index in range(count))
    return entry, [_segment(row, len(content)) for row in rows if row[0] == _LOADED]


def _segment(row: tuple[int, ...], file_bytes: int) -> Segment:
    _, flags, offset, address, _, in_file, in_memory, _ = row
    if in_file > in_memory or offset + in_file > file_bytes:
        raise _wrong("a segment lies outside the file")
    if address + in_memory > _ADDRESS_MAX:
        raise _wrong("a segment lies outside the memory")
    return Segment(runs=bool(flags & _RUNS), address=address, file_bytes=in_file, memory_bytes=in_memory)


def _begins_in(segment: Segment, entry: int) -> bool:
    return entry % 4 == 0 and segment.address <= entry < segment.address + segment.file_bytes


def _wrong(rule: str) -> InvalidProgram:
    return InvalidProgram(rule, field=_FIELD, hint=_HINT)
