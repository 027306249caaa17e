"""Cells that a killed prover left behind go at the next start; those of one that lives stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from proofgrid.roles.prover.cell import Cell, remove_left_cells

MAKES_ONE = (
    "import sys, pathlib; from proofgrid.roles.prover.cell import Cell; Cell.made_below(pathlib.Path(sys.argv[1]))"
)


def test_what_a_prover_left_that_was_killed_goes_and_what_one_has_that_lives_stays(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", MAKES_ONE, str(tmp_path)], check=True)
    mine = Cell.made_below(tmp_path)
    (mine.job / "witness").touch()

    remove_left_cells(tmp_path)

    assert list(tmp_path.iterdir()) == [mine.root]
    assert (mine.job / "witness").exists()
