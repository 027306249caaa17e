"""Inputs travel as JSON, whatever people have them in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proofgrid.sdk.inputs import inputs_json, read_inputs


def test_arrays_travel_as_lists() -> None:
    assert inputs_json([np.array([[1, 2]]), {"x": np.array([0.5], np.float32)}, [np.int64(3)]]) == (
        '[[[1,2]],{"x":[0.5]},[3]]'
    )
    with pytest.raises(TypeError, match="neither a number nor an array"):
        inputs_json([object()])


def test_a_file_holds_one_input_or_many(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.array([1.5, 2]))
    (tmp_path / "many.csv").write_text("1,2\n3,4\n")

    assert read_inputs(tmp_path / "one.npy") == [[1.5, 2.0]]
    assert read_inputs(tmp_path / "many.csv") == [[1, 2], [3, 4]]
