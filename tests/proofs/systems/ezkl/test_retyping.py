"""Numbers of other types become those of the engine, 8-bit models become floats, and the function stays the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.dequantizing import dequantize
from proofgrid.proofs.systems.ezkl.model.retyping import retype
from proofgrid.proofs.systems.ezkl.model.simplifying import simplify
from tests.proofs.systems.ezkl.agreeing import assert_equal_functions, drawn_inputs
from tests.proofs.systems.ezkl.models import a_convolutional_model, a_model, an_mlp, constant, node, save


def operators(model: onnx.ModelProto) -> list[str]:
    """Return the operators of a model in order."""
    return [made.op_type for made in model.graph.node]


def of_type(model: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """Return the model with inputs and outputs of this type."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = kind
    return model


@pytest.mark.parametrize(("kind", "dtype"), [(TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT16, np.float16)])
def test_floats_of_any_width_become_floats_of_32_bits(kind: int, dtype: Any) -> None:
    nodes = [node("MatMul", "x w", "t"), node("Cast", "t", "u", to=TensorProto.FLOAT), node("Relu", "u", "y")]
    model = of_type(a_model(nodes, [constant("w", np.arange(12).reshape(6, 2).astype(dtype) / 8)]), kind)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT

    retyped = retype(model)

    assert operators(retyped) == ["MatMul", "Relu"]
    assert retyped.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert_equal_functions(model, retyped, tolerance=1e-5 if dtype == np.float64 else 1e-2)


def test_a_weight_beyond_32_bits_is_refused_by_name() -> None:
    model = of_type(a_model([node("Mul", "x huge", "y")], [constant("huge", np.array([1e300]))]), TensorProto.DOUBLE)

    with pytest.raises(InvalidProgram, match="'huge'"):
        retype(model)


def test_infinity_is_left_to_those_who_judge_it() -> None:
    model = of_type(a_model([node("Add", "x far", "y")], [constant("far", np.array([-np.inf]))]), TensorProto.DOUBLE)

    assert np.isinf(onnx.numpy_helper.to_array(retype(model).graph.initializer[0]))


TYPES = (
    TensorProto.FLOAT,
    TensorProto.DOUBLE,
    TensorProto.BOOL,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.INT8,
)


@given(chain=st.lists(st.sampled_from(TYPES), min_size=1, max_size=6))
def test_a_chain_of_casts_computes_the_same_without_its_idle_links(chain: list[int]) -> None:
    names = ["x", *(f"t{i}" for i in range(len(chain)))]
    casts = [node("Cast", names[i], names[i + 1], to=kind) for i, kind in enumerate(chain)]
    model = a_model([*casts, node("Cast", names[-1], "y", to=TensorProto.FLOAT)])

    retyped = simplify(retype(model))

    assert len(retyped.graph.node) <= len(model.graph.node)
    assert_equal_functions(model, retyped, draws=1)


def test_a_cast_that_loses_something_stays() -> None:
    model = a_model(
        [node("Cast", "x", "whole", to=TensorProto.INT64), node("Cast", "whole", "y", to=TensorProto.FLOAT)]
    )

    assert operators(simplify(retype(model))) == ["Cast", "Cast"]


def test_a_truth_is_cast_once() -> None:
    nodes = [
        node("Greater", "x k", "b"),
        node("Cast", "b", "i", to=TensorProto.INT64),
        node("Cast", "i", "y", to=TensorProto.FLOAT),
    ]
    model = a_model(nodes, [constant("k", np.float32(0))])

    assert operators(simplify(retype(model))) == ["Greater", "Cast"]
    assert_equal_functions(model, retype(model))


def test_products_of_bytes_which_onnx_does_not_know_and_exporters_write_become_products_of_integers() -> None:
    nodes = [
        node("Greater", "x k", "b"),
        node("Cast", "b", "i", to=TensorProto.INT8),
        node("MatMul", "i paths", "sums"),
        node("Equal", "sums wanted", "hit"),
        node("Cast", "hit", "y", to=TensorProto.FLOAT),
    ]
    paths, wanted = np.eye(6, dtype=np.int8), np.ones(6, np.int8)
    model = a_model(nodes, [constant("k", np.float32(0)), constant("paths", paths), constant("wanted", wanted)])

    retyped = retype(model)

    onnx.shape_inference.infer_shapes(retyped, strict_mode=True)
    assert_equal_functions(model, retyped)


def test_quantised_weights_are_folded() -> None:
    nodes = [node("DequantizeLinear", "q s z", "w", axis=1), node("MatMul", "x w", "y")]
    tensors = [
        constant("q", np.arange(-6, 6).reshape(6, 2).astype(np.int8)),
        constant("s", np.array([0.5, 0.25], np.float32)),
        constant("z", np.array([1, -1], np.int8)),
    ]

    (weight,) = simplify(a_model(nodes, tensors)).graph.initializer

    np.testing.assert_array_equal(onnx.numpy_helper.to_array(weight)[0], [-3.5, -1])


def by_runtime(session: onnxruntime.InferenceSession, feeds: Any) -> Any:
    """Return the first output by ONNX Runtime."""
    outputs: Any = session.run(None, feeds)
    return outputs[0]


def by_reference(model: onnx.ModelProto, feeds: Any) -> Any:
    """Return the first output by ONNX's reference evaluator."""
    outputs: Any = ReferenceEvaluator(model).run(None, feeds)
    return outputs[0]


class Samples(CalibrationDataReader):  # type: ignore[misc]
    """Drawn inputs for ONNX Runtime's quantisation."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._left: Iterator[Any] = iter([drawn_inputs(model, seed=seed) for seed in range(4)])

    def get_next(self) -> Any:
        """Return the next input, None at the end."""
        return next(self._left, None)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("form", [QuantFormat.QDQ, QuantFormat.QOperator])
@pytest.mark.parametrize("make", [an_mlp, a_convolutional_model])
def test_a_model_quantised_by_onnx_runtime_is_written_in_floats(
    make: Any, form: QuantFormat, per_channel: bool, tmp_path: Path
) -> None:
    model = make(4, 5, 3) if make is an_mlp else make()
    kept = ["Gemm", "MatMul", "Conv"] if form is QuantFormat.QDQ else ["MatMul", "Conv"]
    quantize_static(
        save(model, tmp_path / "float.onnx"),
        tmp_path / "bytes.onnx",
        Samples(model),
        quant_format=form,
        per_channel=per_channel,
        op_types_to_quantize=kept,
        reduce_range=True,  # processors without VNNI saturate where two products of 8 bits are added
    )
    quantised = onnx.load(tmp_path / "bytes.onnx")

    plain = simplify(retype(dequantize(simplify(quantised))))

    assert not [name for name in operators(plain) if "Linear" in name]
    session = onnxruntime.InferenceSession(quantised.SerializeToString())
    for seed in range(3):
        feeds = drawn_inputs(model, seed=seed)
        expected, found = by_runtime(session, feeds), by_reference(plain, feeds)
        np.testing.assert_allclose(found, expected, atol=0.05)  # a step of 8 bits where a rounding fell the other way


def an_integer_product() -> onnx.ModelProto:
    """Return a product of bytes as dynamic quantisation writes it, on an input that was quantised before."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("MatMulInteger", "q w z wz", "product"),
        node("Cast", "product", "f", to=TensorProto.FLOAT),
        node("Mul", "f s", "y"),
    ]
    tensors = [
        constant("s", np.float32(0.02)),
        constant("z", np.uint8(128)),
        constant("w", np.arange(12).reshape(6, 2).astype(np.int8)),
        constant("wz", np.int8(3)),
    ]
    return a_model(nodes, tensors)


def a_linear_product() -> onnx.ModelProto:
    """Return QLinearMatMul between its quantisations."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("QLinearMatMul", "q s z w ws wz ys yz", "product"),
        node("DequantizeLinear", "product ys yz", "y"),
    ]
    tensors = [
        constant("s", np.float32(0.02)),
        constant("z", np.uint8(128)),
        constant("w", np.arange(12).reshape(6, 2).astype(np.int8)),
        constant("ws", np.float32(0.1)),
        constant("wz", np.int8(3)),
        constant("ys", np.float32(0.09)),
        constant("yz", np.uint8(120)),
    ]
    return a_model(nodes, tensors)


@pytest.mark.parametrize("make", [an_integer_product, a_linear_product])
def test_operators_on_bytes_compute_the_same_in_floats(make: Any) -> None:
    model = make()

    plain = simplify(retype(dequantize(model)))

    assert not {"QuantizeLinear", "MatMulInteger", "QLinearMatMul"} & set(operators(plain))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for seed in range(3):
        feeds = drawn_inputs(model, seed=seed)
        expected, found = by_runtime(session, feeds), by_reference(plain, feeds)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_computed_scale_stays_as_it_is() -> None:
    nodes = [node("ReduceMax", "x", "s", keepdims=0), node("QuantizeLinear", "x s", "y")]

    assert operators(dequantize(a_model(nodes))) == ["ReduceMax", "QuantizeLinear"]


def test_bytes_in_and_out_stay_what_they_are() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.INT8, [1, 2])
    out = helper.make_tensor_value_info("y", TensorProto.INT8, [1, 2])
    graph = helper.make_graph([node("Identity", "x", "y")], "bytes", [value], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])

    assert retype(model).graph == model.graph
