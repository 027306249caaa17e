"""Several inputs and outputs, of several types, from the file to the verified whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from proofgrid.primitives.errors import InvalidInput
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.layout import ProgramTensor
from proofgrid.proofs.systems.ezkl.model.inputs import quantised_inputs
from tests.proofs.conftest import SYSTEM, build, prove_all
from tests.proofs.systems.ezkl.models import a_model, constant, node, save, weights


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


def typed(model: onnx.ModelProto, **types: int) -> onnx.ModelProto:
    """Return the model with these inputs and outputs of other types than float."""
    for value in (*model.graph.input, *model.graph.output):
        if value.name in types:
            value.type.tensor_type.elem_type = types[value.name]
    return model


def a_classifier() -> onnx.ModelProto:
    """Scores and the label of the best one, like two_outputs.onnx."""
    nodes = [node("Gemm", "x w c", "scores"), node("ArgMax", "scores", "label", axis=1, keepdims=0)]
    model = a_model(
        nodes, [weights("w", 4, 3), weights("c", 3)], inputs=[("x", ("batch", 4))], outputs=["scores", "label"]
    )
    return typed(model, label=TensorProto.INT64)


def an_embedding() -> onnx.ModelProto:
    """Indices into rows of weights, and which of them count."""
    nodes = [
        node("Gather", "w x", "rows", axis=0),
        node("Cast", "counts", "share", to=TensorProto.FLOAT),
        node("Mul", "rows share", "counted"),
        node("ReduceSum", "counted axes", "y", keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [
            helper.make_tensor_value_info("x", TensorProto.INT64, [1, 4]),
            helper.make_tensor_value_info("counts", TensorProto.BOOL, [1, 4, 1]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [weights("w", 8, 3), constant("axes", np.array([1]))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


MODELS: dict[str, Any] = {
    "label beside scores": (a_classifier(), {}, {"x": [[0.5, -1, 0.25, 1]]}),
    "indices and booleans": (
        an_embedding(),
        {"input_range": {"x": [0, 7], "counts": [0, 1]}},
        {"x": [[7, 0, 3, 3]], "counts": [[[True], [True], [False], [True]]]},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_integers_and_booleans_go_in_and_out_as_they_are(srs: Path, key_cache: Path, tmp_path: Path, name: str) -> None:
    model, settings, given = MODELS[name]
    path = save(model, tmp_path / "model")
    session = onnxruntime.InferenceSession(str(path))
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
    feed: dict[str, Any] = {one.name: np.array(given[one.name], types[one.type]) for one in session.get_inputs()}
    expected = dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))

    files = build(path, settings, srs=srs, workdir=tmp_path)
    proven = prove_all(files, [given], cache=key_cache, workdir=tmp_path)

    SYSTEM.verify_whole(files, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)
    identity: Any = files.program.identity
    assert all(one["scale"] == 0 for one in (*identity["inputs"], *identity["outputs"]) if one["type"] != "float32")
    for output, numbers in expected.items():
        said = [float(value) for value in proven.result["outputs"][0][output]["values"]]
        np.testing.assert_allclose(said, numbers.flatten(), atol=0.1)


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ({"x": [[0, 1, 2, 2.5]], "counts": [0, 1, 1, 1]}, "inputs[0].x[0][3]", "whole number"),
        ({"x": [[0, 1, 2, 1 << 63]], "counts": [0, 1, 1, 1]}, "inputs[0].x[0][3]", "int64 holds"),
        ({"x": [[0, 1, 2, 3]], "counts": [0, 1, 1, 2]}, "inputs[0].counts[3]", "bool holds 0 to 1"),
        ({"input_data": [[0, 1, 2, 3]]}, "inputs[0].input_data", "2 tensors"),
        ({"input_data": [[0, 1, 2, 3], [0, 1, 1, 2]]}, "inputs[0].input_data[1][3]", "bool holds"),
        ({"input_data": [[0, 1, 2, 3]], "x": [1]}, "inputs[0]", "beside input_data"),
    ],
)
def test_what_a_type_does_not_hold_is_refused(given: Any, field: str, rule: str) -> None:
    tensors = [
        ProgramTensor(name="x", shape=(1, 4), element_type="int64", scale=0, visibility="public"),
        ProgramTensor(name="counts", shape=(1, 4, 1), element_type="bool", scale=0, visibility="public"),
    ]

    with pytest.raises(InvalidInput, match=rule) as caught:
        quantised_inputs(given, tensors, field="inputs[0]")

    assert caught.value.field == field


@pytest.mark.thorough
def test_a_program_of_format_1_is_still_proven_and_verified(
    digits_program: ProgramFiles, digit_images: list[list[float]], key_cache: Path, tmp_path: Path
) -> None:
    """What was built before step 5 has an identity without names; its proofs, statement and result are as they were."""
    identity: Any = dict(digits_program.program.identity)
    (image,), (scores,) = identity.pop("inputs"), identity.pop("outputs")
    identity |= {"format": 1}
    identity |= {
        name: {"shape": one["shape"], "scale": one["scale"]} for name, one in (("input", image), ("output", scores))
    }
    files = replace(digits_program, program=replace(digits_program.program, identity=identity))

    proven = prove_all(files, digit_images[:1], cache=key_cache, workdir=tmp_path)
    said = SYSTEM.verify_whole(files, proven.request.statement, proven.result, proven.parts, workdir=tmp_path)

    assert "every proof verifies (4)" in said
    statement: Any = proven.request.statement
    assert {**statement, "inputs": [[*one] for one in statement["inputs"]]} == {
        "format": 1,
        "input_visibility": "public",
        "scale": 7,
        "inputs": [["values", "integers"]],
    }
    assert set(proven.result["outputs"][0]) == {"shape", "scale", "integers", "values"}
    with pytest.raises(InvalidInput, match="has no name"):
        SYSTEM.normalise(files, [{"image": digit_images[0]}], workdir=tmp_path)
