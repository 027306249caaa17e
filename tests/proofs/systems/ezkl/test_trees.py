"""Tree ensembles become products that find the same leaves; what has no equal form is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from proofgrid.primitives.errors import UnsupportedOperator
from proofgrid.proofs.systems.ezkl.model.loading import load_model
from proofgrid.proofs.systems.ezkl.model.trees import write_trees
from tests.proofs.systems.ezkl.models import save
from tests.proofs.systems.ezkl.trees import FEATURES, a_forest


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"depth": 1, "trees": 1},
        {"classes": 3},
        {"classes": 3, "post": "SOFTMAX"},
    ],
)
def test_a_forest_finds_the_leaves_that_onnx_runtime_finds(options: dict[str, Any]) -> None:
    model = a_forest(**options)

    plain = ReferenceEvaluator(write_trees(model))

    session = onnxruntime.InferenceSession(model.SerializeToString())
    for x in np.random.RandomState(1).uniform(-1, 1, (20, 1, FEATURES)).astype(np.float32):
        expected: Any = session.run(None, {"x": x})
        found: Any = plain.run(None, {"x": x})
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def changed(name: str, value: Any, *, classes: int = 0) -> onnx.ModelProto:
    """Return a forest with another attribute."""
    model = a_forest(classes=classes)
    (node,) = model.graph.node
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, *([helper.make_attribute(name, value)] if value else [])])
    return model


def a_circle() -> onnx.ModelProto:
    """Return a tree whose root is its own child's child."""
    model = a_forest(trees=1, depth=2)
    for attribute in model.graph.node[0].attribute:
        if attribute.name == "nodes_truenodeids":
            attribute.ints[1] = 1
    return model


@pytest.mark.parametrize(
    ("reason", "model"),
    [
        ("the least or the largest", changed("aggregate_function", "MAX")),
        ("through LOGISTIC", a_forest(post="LOGISTIC")),
        ("two classes", a_forest(classes=2)),
        ("through PROBIT", changed("post_transform", "PROBIT")),
        ("labels that are texts", changed("classlabels_int64s", None, classes=3)),
        ("reached twice", a_circle()),
    ],
)
def test_what_has_no_equal_form_is_refused_by_name(reason: str, model: onnx.ModelProto) -> None:
    with pytest.raises(UnsupportedOperator, match=reason) as caught:
        write_trees(model)

    assert "'forest'" in str(caught.value)
    assert caught.value.hint


def test_a_forest_is_read_whole(tmp_path: Path) -> None:
    model = a_forest(classes=3)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"

    loaded = load_model(save(model, tmp_path / "model"))

    assert [tensor.shape for tensor in loaded.outputs] == [(1,), (1, 3)]
