"""Files that clients call programs: what a reader could stumble over is refused first. Needs no engine."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.sp1.elf import ELF_BYTES_MAX, MEMORY_BYTES_MAX, check_elf
from tests.proofs.systems.sp1.elves import CODE, DATA, elf, program

GOOD = program()
FIRST_ROW = 64


def with_row(index: int, place: int, value: int) -> bytes:
    """Return the good file with one number of a segment's row changed; places as in the table, from the offset on."""
    at = FIRST_ROW + 56 * index + 8 * place
    return GOOD[:at] + struct.pack("<Q", value) + GOOD[at + 8 :]


def test_a_program_is_taken() -> None:
    check_elf(GOOD)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "no ELF"),
        (b"\x7fELF", "no ELF"),
        (b"#!" + GOOD, "no ELF"),
        (GOOD[:4] + b"\x01" + GOOD[5:], "64 bits"),
        (GOOD[:5] + b"\x02" + GOOD[6:], "little-endian"),
        (elf([0x73], b"1", machine=62), "another machine"),
        (elf([0x73], b"1", flags=1), "another machine"),
        (elf([0x73], b"1", flags=4), "another machine"),
        (elf([0x73], b"1", kind=3), "no executable"),
        (elf([0x73], b"1", rows=0), "table"),
        (elf([0x73], b"1", rows=65), "table"),
        (elf([0x73], b"1", rows=0xFFFF), "table"),
        (elf([0x73], b"1", row=0), "table"),
        (elf([0x73], b"1", table=1 << 63), "table"),
        (elf([0x73], b"1", entry=CODE + 4), "first instruction"),
        (elf([0x73], b"1", entry=CODE + 1), "first instruction"),
        (elf([0x73], b"1", entry=DATA), "first instruction"),
        (with_row(0, 1, 1 << 60), "outside the file"),
        (with_row(0, 4, 1 << 62), "outside the file"),
        (with_row(1, 5, MEMORY_BYTES_MAX + 1), "more than 64 MiB"),
        (with_row(1, 5, (1 << 64) - 1), "outside the memory"),
        (with_row(1, 2, (1 << 64) - 1), "outside the memory"),
        (GOOD + bytes(ELF_BYTES_MAX), "at most"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, rule: str) -> None:
    with pytest.raises(InvalidProgram, match=rule) as refused:
        check_elf(content)
    assert refused.value.field == "source.elf"
    assert "riscv64im" in refused.value.hint


@given(st.integers(0, 180), st.binary(min_size=1, max_size=8))
def test_any_header_is_taken_or_refused(at: int, content: bytes) -> None:
    with suppress(InvalidProgram):
        check_elf(GOOD[:at] + content + GOOD[at + len(content) :])


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(content: bytes) -> None:
    with suppress(InvalidProgram):
        check_elf(b"\x7fELF\x02\x01\x01" + content)
