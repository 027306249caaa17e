"""A table of symbols is a stranger's file: a line that is none names no signal, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.kit.circom.signals import public_names


def test_a_wire_of_thousands_of_digits_is_no_wire(tmp_path: Path) -> None:
    table = tmp_path / "circuit.sym"
    table.write_text(f"1,{'9' * 5_000},2,main.a\n2,1,2,main.b\n")
    assert public_names(table, outputs=1, inputs=0) == ([{"name": "b", "size": 1}], [])
    table.write_text(f"1,{'9' * 5_000},2,main.a\n")
    with pytest.raises(InvalidProgram, match="does not name all"):
        public_names(table, outputs=1, inputs=0)
