"""Several inputs and outputs, of several types, from the file to the verified whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.base import ProgramFiles
from tests.proofs.conftest import SYSTEM, build, prove_all
from tests.proofs.systems.ezkl.models import a_model, node, save, weights


@pytest.fixture(scope="module")
def joining_program(srs: Path, tmp_path_factory: pytest.TempPathFactory) -> ProgramFiles:
    """Two inputs of different shapes that join, then a cut, then two outputs."""
    folder = tmp_path_factory.mktemp("joining")
    model = a_model(
        [
            node("MatMul", "x w", "wide"),
            node("Sub", "wide z", "both"),
            node("Relu", "both", "bent"),
            node("Neg", "bent", "low"),
            node("Add", "bent bent", "high"),
        ],
        [weights("w", 3, 4)],
        inputs=[("x", (1, 3)), ("z", (1, 4))],
        outputs=["low", "high"],
    )
    settings = {"slices": 2, "decomposition": "128x4"}
    return build(save(model, folder / "model"), settings, srs=srs, workdir=folder)


def test_inputs_and_outputs_have_names_shapes_types_and_scales_in_the_identity(joining_program: ProgramFiles) -> None:
    identity: Any = joining_program.program.identity
    tensor = {"type": "float32", "scale": 7, "visibility": "public"}

    assert identity["inputs"] == [{"name": "x", "shape": [1, 3], **tensor}, {"name": "z", "shape": [1, 4], **tensor}]
    assert [output["name"] for output in identity["outputs"]] == ["low", "high"]


def test_what_several_inputs_give_is_proven_by_name(
    joining_program: ProgramFiles, key_cache: Path, tmp_path: Path
) -> None:
    inputs: list[Any] = [{"x": [0.5, -0.25, 1], "z": [[-1, -2, -3, 0.5]]}]

    proven = prove_all(joining_program, inputs, cache=key_cache, workdir=tmp_path)
    said = SYSTEM.verify_whole(joining_program, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)

    assert "every proof verifies (2)" in said
    (outputs,) = proven.result["outputs"]
    low, high = ([float(value) for value in outputs[name]["values"]] for name in ("low", "high"))
    assert high == [-2 * value for value in low]
    assert max(high) > 2


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ([1, 2, 3], "inputs[0]", "2 inputs by their names"),
        ({"x": [1, 2, 3]}, "inputs[0]", "'z' is missing"),
        ({"x": [1, 2, 3], "z": [1, 2, 3, 4], "y": [1]}, "inputs[0]", "no input 'y'"),
        ({"x": [1, 2, 3], "z": [1, 2, True, 4]}, "inputs[0].z[2]", "not bool"),
        ({"x": [1, 2], "z": [1, 2, 3, 4]}, "inputs[0].x", "3 numbers of shape"),
    ],
)
def test_inputs_that_are_not_named_right_are_refused(
    joining_program: ProgramFiles, tmp_path: Path, given: Any, field: str, rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule) as caught:
        SYSTEM.normalise(joining_program, [given], workdir=tmp_path)

    assert caught.value.field == field
