"""Every build compares circuit and model: right models pass, wrong circuits are refused with the node named.

The engine misreads what stands in WRONG. The first wall (operators, rewriting) is switched off for these: the
comparison alone has to find each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.base import ProgramFiles
from proofgrid.proofs.systems.ezkl.circuits.build import compile_circuits
from proofgrid.proofs.systems.ezkl.circuits.comparing import Agreement, compare
from proofgrid.proofs.systems.ezkl.circuits.cutting import cut_that_fits
from proofgrid.proofs.systems.ezkl.circuits.plan import plan_build
from proofgrid.proofs.systems.ezkl.model import loading
from proofgrid.proofs.systems.ezkl.model.naming import name_nodes
from proofgrid.proofs.systems.ezkl.model.separating import separate_outputs
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.conftest import ignore_progress
from tests.proofs.systems.ezkl.models import (
    a_convolutional_model,
    a_model,
    a_residual_model,
    an_mlp,
    constant,
    node,
    save,
    weights,
)

Case = tuple[onnx.ModelProto, Mapping[str, Any]]


def agreement_of(model: onnx.ModelProto, settings: Mapping[str, Any], *, srs: Path, workdir: Path) -> Agreement:
    """Build up to the comparison: keys are not needed for it."""
    plan = plan_build({"model": save(model, workdir / "model")}, settings, srs=srs, workdir=workdir)
    slices, circuits = cut_that_fits(plan, ignore_progress)
    compile_circuits(plan, circuits)
    return compare(plan, slices, circuits, ignore_progress)


def unary(operator: str, shape: tuple[int, ...] = (1, 6), **attributes: Any) -> onnx.ModelProto:
    return a_model([node(operator, "x", "y", **attributes)], inputs=[("x", shape)])


def binary(operator: str, value: Any, shape: tuple[int, ...] = (1, 6), **attributes: Any) -> onnx.ModelProto:
    return a_model([node(operator, "x k", "y", **attributes)], [constant("k", value)], inputs=[("x", shape)])


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


def longs(*values: int) -> Any:
    return np.array(values, np.int64)


WRONG: dict[str, tuple[onnx.ModelProto, str]] = {
    "average over padding": (
        unary("AveragePool", (1, 1, 4, 4), kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
        "make_y",
    ),
    "maximum of padding": (
        a_model(
            [
                node("Sub", "x three", "below"),
                node("MaxPool", "below", "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1]),
            ],
            [constant("three", floats(3))],
            inputs=[("x", (1, 1, 4, 4))],
        ),
        "make_y",
    ),
    "dilated maximum": (unary("MaxPool", (1, 1, 6, 6), kernel_shape=[2, 2], dilations=[2, 2], strides=[1, 1]), "y"),
    "negative index": (binary("Gather", longs(0, -2), axis=1), "make_y"),
    "negative index behind a layer": (
        a_model(
            [
                node("Gemm", "x w", "dense"),
                node("Relu", "dense", "bent"),
                node("Gather", "bent k", "taken", axis=1),
                node("Gemm", "taken v", "y"),
            ],
            [weights("w", 6, 6), constant("k", longs(0, -2, 2)), weights("v", 3, 2)],
        ),
        "make_taken",
    ),
    "equality of wholes": (
        a_model(
            [
                node("Round", "x", "whole"),
                node("Equal", "whole k", "same"),
                node("Cast", "same", "number", to=onnx.TensorProto.FLOAT),
                node("Mul", "number two", "y"),
            ],
            [constant("k", floats(0)), constant("two", floats(2.5))],
        ),
        "make_same",
    ),
    "inverse power": (
        a_model(
            [node("Abs", "x", "size"), node("Add", "size half", "positive"), node("Pow", "positive k", "y")],
            [constant("half", floats(0.5)), constant("k", np.float32(-1))],
        ),
        "make_y",
    ),
    "exclusive sum": (binary("CumSum", np.int64(1), exclusive=1), "make_y"),
    "Celu of another alpha": (unary("Celu", alpha=2.0), "make_y"),
    "nearest upwards": (
        a_model(
            [
                node(
                    "Resize",
                    "x none k",
                    "y",
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="ceil",
                )
            ],
            [constant("none", floats()), constant("k", floats(1, 1, 2, 2))],
            inputs=[("x", (1, 1, 3, 3))],
        ),
        "make_y",
    ),
}


@pytest.fixture
def no_first_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table of operators, and no pass that writes a model otherwise."""
    monkeypatch.setattr(loading, "check_operators", lambda graph: None)
    monkeypatch.setattr(loading, "PASSES", (simplify, separate_outputs, name_nodes))


@pytest.mark.usefixtures("no_first_wall")
@pytest.mark.parametrize("kind", WRONG)
def test_a_circuit_of_another_function_is_refused_with_its_node(kind: str, srs: Path, tmp_path: Path) -> None:
    model, name = WRONG[kind]

    with pytest.raises(InvalidProgram, match="computes something else") as caught:
        agreement_of(model, {}, srs=srs, workdir=tmp_path)

    assert repr(name) in caught.value.detail
    assert "in the model" in caught.value.detail
    assert "in the circuit" in caught.value.detail


def test_a_wrong_pass_of_ours_is_found_out(srs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference is the model as it came, so it also judges what we make of it."""

    def relu_to_abs(model: onnx.ModelProto) -> onnx.ModelProto:
        for one in model.graph.node:
            if one.op_type == "Relu":
                one.op_type = "Abs"
        return model

    monkeypatch.setattr(loading, "PASSES", (*loading.PASSES, relu_to_abs))

    with pytest.raises(InvalidProgram, match=r"something else than the model at node 'make_relu0' \(Abs\)"):
        agreement_of(an_mlp(6, 5, 3), {}, srs=srs, workdir=tmp_path)


def a_transformer_block(width: int = 8) -> onnx.ModelProto:
    steps: list[tuple[str, str, str, dict[str, Any]]] = [
        ("MatMul", "x wq", "q", {}),
        ("MatMul", "x wk", "k", {}),
        ("MatMul", "x wv", "v", {}),
        ("Transpose", "k", "kt", {"perm": [0, 2, 1]}),
        ("MatMul", "q kt", "scores", {}),
        ("Mul", "scores c", "scaled", {}),
        ("Softmax", "scaled", "p", {"axis": -1}),
        ("MatMul", "p v", "mixed", {}),
        ("Add", "mixed x", "sum", {}),
        ("LayerNormalization", "sum g b", "normal", {"axis": -1}),
        ("MatMul", "normal w1", "wide", {}),
        ("Relu", "wide", "bent", {}),
        ("MatMul", "bent w2", "narrow", {}),
        ("Add", "narrow normal", "y", {}),
    ]
    return a_model(
        [node(operator, ins, out, **attributes) for operator, ins, out, attributes in steps],
        [
            *(weights(name, width, width, seed=seed) for seed, name in enumerate(("wq", "wk", "wv"))),
            constant("c", np.float32(width**-0.5)),
            constant("g", np.ones(width, np.float32)),
            constant("b", np.zeros(width, np.float32)),
            weights("w1", width, 2 * width),
            weights("w2", 2 * width, width),
        ],
        inputs=[("x", (1, 4, width))],
    )


def normalised(operator: str, shape: tuple[int, ...], parameters: str, *values: Any) -> onnx.ModelProto:
    constants = [constant(name, value) for name, value in zip(parameters.split(), values, strict=True)]
    return a_model([node(operator, f"x {parameters}", "y")], constants, inputs=[("x", shape)])


def of_opset(version: int, model: onnx.ModelProto) -> onnx.ModelProto:
    model.opset_import[0].version = version
    return model


#: ONNX's reference evaluator is wrong about these; ONNX Runtime and the specification agree.
OLD: dict[str, Case] = {
    "normal of a batch, as exporters wrote it": (
        of_opset(
            9,
            normalised(
                "BatchNormalization",
                (1, 2, 4, 4),
                "g b m v",
                floats(1, 2),
                floats(0, 1),
                floats(0.5, 0),
                floats(0.5, 2),
            ),
        ),
        {},
    ),
    "a maximum with uneven pads": (
        of_opset(13, unary("MaxPool", (1, 1, 5, 5), kernel_shape=[3, 3], pads=[0, 1, 2, 1], strides=[2, 2])),
        {},
    ),
    "the same size below": (
        of_opset(13, unary("MaxPool", (1, 1, 4, 4), kernel_shape=[2, 2], auto_pad="SAME_LOWER", strides=[1, 1])),
        {},
    ),
    "the maximum of a row": (of_opset(13, unary("GlobalMaxPool", (1, 2, 5))), {}),
    "neighbours' sizes": (of_opset(13, unary("LRN", (1, 4, 2, 2), size=3)), {}),
}

RIGHT: dict[str, Case] = {
    **OLD,
    **{name: (unary(name), {}) for name in ("Abs", "Relu", "Sign", "Neg", "Floor", "Ceil", "Round")},
    **{name: (unary(name), {}) for name in ("Sigmoid", "Tanh", "Exp", "Erf", "Elu", "Selu", "LeakyRelu", "Cos")},
    **{name: (unary(name), {}) for name in ("HardSwish", "Softplus", "Sin")},
    **{name: (unary(name), {"input_range": [1, 4]}) for name in ("Log", "Sqrt", "Reciprocal")},
    "Softmax": (unary("Softmax"), {}),
    "LogSoftmax": (unary("LogSoftmax"), {}),
    "softmax of 48": (unary("Softmax", (1, 48)), {}),
    "LayerNormalization": (
        normalised("LayerNormalization", (1, 4, 8), "g b", np.ones(8, np.float32), np.zeros(8, np.float32)),
        {},
    ),
    "InstanceNormalization": (
        normalised("InstanceNormalization", (1, 2, 4, 4), "g b", floats(1, 2), floats(0, 1)),
        {},
    ),
    "BatchNormalization": (
        normalised(
            "BatchNormalization", (1, 2, 4, 4), "g b m v", floats(1, 2), floats(0, 1), floats(0.1, 0), floats(0.5, 2)
        ),
        {},
    ),
    "a threshold": (
        a_model(
            [node("Greater", "x k", "above"), node("Cast", "above", "y", to=onnx.TensorProto.FLOAT)],
            [constant("k", floats(0.3))],
        ),
        {},
    ),
    "square": (binary("Pow", np.float32(2)), {}),
    "by a third": (binary("Div", floats(3)), {}),
    "a division by large numbers": (
        a_model([node("Add", "x k", "large"), node("Div", "x large", "y")], [constant("k", floats(100))]),
        {"input_range": [-50, 50]},
    ),
    "the best three": (
        a_model([node("TopK", "x k", "y places", axis=1)], [constant("k", longs(3))]),
        {},
    ),
    "a wide sum": (unary("ReduceSum", (1, 512), keepdims=0), {}),
    "a mean": (unary("ReduceMean", (1, 49), axes=[1], keepdims=0), {}),
    "the mean of a map": (unary("GlobalAveragePool", (1, 2, 6, 6)), {}),
    "the normal of 24": (
        normalised("LayerNormalization", (1, 2, 24), "g b", np.ones(24, np.float32), np.zeros(24, np.float32)),
        {},
    ),
    "averages": (unary("AveragePool", (1, 2, 6, 6), kernel_shape=[3, 3], strides=[2, 2]), {}),
    "a residual": (a_residual_model(), {}),
    "a convolution": (a_convolutional_model(), {}),
    "a layer": (an_mlp(8, 8, 4), {"scale": 5}),
    "large inputs": (an_mlp(8, 8, 4), {"input_range": [-100, 100]}),
    "a deep chain": (an_mlp(*[6] * 10), {"slices": 3}),
    "a transformer block": (a_transformer_block(), {}),
}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", RIGHT)
def test_a_right_circuit_agrees(kind: str, srs: Path, tmp_path: Path) -> None:
    model, settings = RIGHT[kind]

    found = agreement_of(model, settings, srs=srs, workdir=tmp_path)

    assert found.samples >= 10
    assert all(one.quanta <= one.quanta_allowed for one in found.outputs)


def test_what_rounding_drowns_cannot_be_compared_and_is_refused(srs: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match="could not be compared") as caught:
        agreement_of(binary("Mul", floats(0.004)), {}, srs=srs, workdir=tmp_path)

    assert "a larger scale" in caught.value.hint


def test_a_number_where_the_model_has_none_is_refused(srs: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match="proves a number where the model has none") as caught:
        agreement_of(unary("Sqrt"), {}, srs=srs, workdir=tmp_path)

    assert "input_range" in caught.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_refused_by_name(value: float, srs: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidProgram, match="'k' holds NaN or infinity"):
        agreement_of(binary("Mul", floats(1, value, 1, 1, 1, 1)), {}, srs=srs, workdir=tmp_path)


def test_the_agreement_is_part_of_the_name_and_told(digits_program: ProgramFiles) -> None:
    identity: Any = digits_program.program.identity
    (output,) = identity["agreement"]["outputs"]

    assert identity["agreement"]["samples"] >= 20
    assert {"zero", "negative", "large", "low", "high", "calibration"} <= set(identity["agreement"]["kinds"])
    assert output["quanta"] <= output["quanta_allowed"]
    assert "inputs compared with the model" in str(digits_program.program.summary["agreement"])
    assert digits_program.program.summary["calibration"] == "inputs from 0 to 1, with its borders (20 samples)"
