"""A few bytes of ONNX that say how large they are: sparse weights, constants by shape, tensors that grow.

Pins down: they are refused by what shape inference says of them, before anything computes with them (what no inference
knows ends at the worker's memory: code/test_worker_takes_too_much.py); models of a real size are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model import loading
from proofgrid.proofs.systems.ezkl.model.loading import INFERRED_MAX, load_model
from tests.proofs.systems.ezkl.models import a_model, an_mlp, save

HUGE = 1 << 20


def a_shape(name: str, *sizes: int) -> TensorProto:
    return numpy_helper.from_array(np.array(sizes, np.int64), name)


def sparse_weights() -> onnx.ModelProto:
    model = a_model([helper.make_node("Add", ["x", "w"], ["y"])], inputs=[("x", (1, 4))])
    values = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    sparse = helper.make_sparse_tensor(values, a_shape("w_indices", 0), [HUGE, HUGE])
    model.graph.sparse_initializer.append(sparse)
    return model


def a_sparse_constant() -> onnx.ModelProto:
    values = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    sparse = helper.make_sparse_tensor(values, a_shape("i", 0), [HUGE, HUGE])
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    return a_model([constant, helper.make_node("Add", ["x", "w"], ["y"])], inputs=[("x", (1, 4))])


def a_constant_by_its_shape() -> onnx.ModelProto:
    model = a_model(
        [helper.make_node("ConstantOfShape", ["s"], ["w"]), helper.make_node("MatMul", ["x", "w"], ["y"])],
        inputs=[("x", (1, HUGE))],
    )
    model.graph.initializer.append(a_shape("s", HUGE, 1 << 12))
    return model


def a_tensor_that_grows() -> onnx.ModelProto:
    model = a_model(
        [helper.make_node("Expand", ["x", "s"], ["w"]), helper.make_node("ReduceSum", ["w"], ["y"])],
        inputs=[("x", (1, 4))],
    )
    model.graph.initializer.append(a_shape("s", HUGE, 1 << 10, 4))
    return model


def weights_that_say_more_than_they_hold() -> onnx.ModelProto:
    model = a_model([helper.make_node("Add", ["x", "w"], ["y"])], inputs=[("x", (1, 4))])
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[HUGE, HUGE])
    model.graph.initializer.append(weight)
    return model


def hidden_in_a_branch() -> onnx.ModelProto:
    values = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    sparse = helper.make_sparse_tensor(values, a_shape("i", 0), [HUGE, HUGE])
    branch = helper.make_graph(
        [helper.make_node("Constant", [], ["b"], sparse_value=sparse)],
        "branch",
        [],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
    )
    condition = helper.make_node("If", ["c"], ["w"], then_branch=branch, else_branch=branch)
    model = a_model([condition, helper.make_node("Add", ["x", "w"], ["y"])], inputs=[("x", (1, 4))])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    return model


@pytest.mark.parametrize(
    "bomb",
    [
        sparse_weights,
        a_sparse_constant,
        a_constant_by_its_shape,
        a_tensor_that_grows,
        weights_that_say_more_than_they_hold,
        hidden_in_a_branch,
    ],
    ids=lambda bomb: bomb.__name__,
)
def test_a_small_file_of_a_large_model_is_refused_before_any_pass(
    bomb: Callable[[], onnx.ModelProto], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(bomb(), tmp_path / "bomb.onnx")
    assert path.stat().st_size < 1_000
    monkeypatch.setattr(loading, "PASSES", (_no_pass,))
    with pytest.raises(InvalidProgram) as caught:
        load_model(path)
    assert caught.value.field == "model"


def _no_pass(model: onnx.ModelProto) -> onnx.ModelProto:
    raise AssertionError("a pass was given the bomb")


def test_a_model_of_a_real_size_is_taken(tmp_path: Path) -> None:
    model = load_model(save(an_mlp(512, 1_024, 10), tmp_path / "real.onnx"))
    assert sum(tensor.elements for tensor in model.tensors.values()) < INFERRED_MAX / 100
