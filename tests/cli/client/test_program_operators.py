"""`proofgrid program operators`: the table of operators, from the wheel."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import proofgrid


def test_the_table_is_printed_and_one_operator_is_explained(tmp_path: Path) -> None:
    rows = json.loads(proofgrid("program", "operators", "--json", home=tmp_path).stdout)
    assert {"Conv", "Resize", "Softmax"} <= {row["operator"] for row in rows}
    assert all(row["versions"] and row["inputs"] for row in rows)

    shown = proofgrid("program", "operators", "resize", home=tmp_path).stdout
    assert "nearest chooses elements" in shown

    shown = proofgrid("program", "operators", home=tmp_path, COLUMNS="60").stdout
    assert max(map(len, shown.splitlines())) <= 60


def test_an_operator_that_cannot_be_proven_is_said_to_be_none(tmp_path: Path) -> None:
    ended = proofgrid("program", "operators", "NonZero", home=tmp_path)
    assert ended.returncode == 1
    assert "NonZero is not among the operators" in ended.stderr
