"""scikit-learn's trees in ONNX's own operators for them, as their exporter writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

FEATURES = 4


def a_forest(*, classes: int = 0, trees: int = 3, depth: int = 3, post: str = "NONE") -> onnx.ModelProto:
    """Return a fitted forest: a regressor, or a classifier of this many classes."""
    forest = _fitted(classes, trees, depth)
    operator = "TreeEnsembleClassifier" if classes else "TreeEnsembleRegressor"
    attributes = _attributes(forest, classes, "class" if classes else "target")
    attributes |= {"classlabels_int64s": list(range(10, 10 + classes))} if classes else {"n_targets": 1}
    outputs = ["label", "y"] if classes else ["y"]
    node = helper.make_node(
        operator, ["x"], outputs, name="forest", domain="ai.onnx.ml", post_transform=post, **attributes
    )
    label = [helper.make_tensor_value_info("label", TensorProto.INT64, [1])] if classes else []
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, classes or 1])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, FEATURES])
    graph = helper.make_graph([node], "forest", [x], [*label, y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)])
    model.ir_version = 8
    return model


def _fitted(classes: int, trees: int, depth: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    random = np.random.RandomState(0)
    x = random.uniform(-1, 1, (200, FEATURES))
    make = RandomForestClassifier if classes else RandomForestRegressor
    y = np.digitize(x[:, 0] + x[:, 1] * x[:, 2], np.linspace(-0.5, 0.5, classes - 1)) if classes else x[:, 0] * x[:, 1]
    return make(n_estimators=trees, max_depth=depth, random_state=0).fit(x, y)


def _attributes(forest: Any, classes: int, prefix: str) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {}

    def add(name: str, value: Any) -> None:
        columns.setdefault(name, []).append(value)

    for number, one in enumerate(forest.estimators_):
        tree = one.tree_
        for place in range(tree.node_count):
            leaf = tree.children_left[place] < 0
            add("nodes_treeids", number)
            add("nodes_nodeids", place)
            add("nodes_modes", "LEAF" if leaf else "BRANCH_LEQ")
            add("nodes_featureids", 0 if leaf else int(tree.feature[place]))
            add("nodes_values", 0.0 if leaf else float(tree.threshold[place]))
            add("nodes_truenodeids", 0 if leaf else int(tree.children_left[place]))
            add("nodes_falsenodeids", 0 if leaf else int(tree.children_right[place]))
            if leaf:
                says = tree.value[place][0]
                for target, value in enumerate(says / says.sum() if classes else says):
                    add(f"{prefix}_treeids", number)
                    add(f"{prefix}_nodeids", place)
                    add(f"{prefix}_ids", target)
                    add(f"{prefix}_weights", float(value) / len(forest.estimators_))
    return columns
