"""Files like programs for RISC-V: an ELF with one segment of code and one of data."""

from __future__ import annotations

import struct

CODE, DATA = 0x7800_1000, 0x7800_2000
ECALL = 0x73


def elf(code: list[int], data: bytes, **changes: int) -> bytes:
    """Return an ELF file; `changes` are fields of its header by their names."""
    text = struct.pack(f"<{len(code)}I", *code)
    assert len(text) <= DATA - CODE
    offset = 0x1000
    header = {
        "kind": 2, "machine": 243, "version": 1, "entry": CODE, "table": 64, "sections": 0, "flags": 0,
        "size": 64, "row": 56, "rows": 2, "section": 64, "of_sections": 0, "names": 0,
    } | changes  # fmt: skip
    start = struct.pack("<4sBBB9x", b"\x7fELF", 2, 1, 1) + struct.pack("<HHIQQQIHHHHHH", *header.values())
    rows = [
        (1, 5, offset, CODE, CODE, len(text), len(text), 4096),
        (1, 6, offset + DATA - CODE, DATA, DATA, len(data), len(data), 4096),
    ]
    start += b"".join(struct.pack("<IIQQQQQQ", *row) for row in rows)
    return start.ljust(offset, b"\0") + text.ljust(DATA - CODE, b"\0") + data


def program(data: bytes = b"data") -> bytes:
    """Return a file that is a program, as far as its headers tell."""
    return elf([ECALL] * 4, data)
