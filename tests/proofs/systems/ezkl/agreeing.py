"""Whether two models compute the same, by ONNX's own reference evaluator on drawn inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

Feeds = dict[str, Any]


def drawn_inputs(model: onnx.ModelProto, *, seed: int = 0, low: float = -2, high: float = 2) -> Feeds:
    """Return seeded values for every input; open dimensions are 1, integers are small and not negative."""
    random = np.random.RandomState(seed)
    weights = {weight.name for weight in model.graph.initializer}
    feeds: Feeds = {}
    for value in model.graph.input:
        if value.name in weights:
            continue
        kind = value.type.tensor_type
        shape = [dimension.dim_value or 1 for dimension in kind.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
        drawn = random.uniform(low, high, shape) if dtype.kind == "f" else random.randint(0, 2, shape)
        feeds[value.name] = drawn.astype(dtype)
    return feeds


def assert_equal_functions(
    model: onnx.ModelProto, passed: onnx.ModelProto, *, draws: int = 3, tolerance: float = 1e-5
) -> None:
    """Assert that `passed` puts out what `model` does, on drawn inputs given in the types each of them takes."""
    original, other = ReferenceEvaluator(model), ReferenceEvaluator(passed)
    kinds = {value.name: value.type.tensor_type.elem_type for value in passed.graph.input}
    for seed in range(draws):
        feeds = drawn_inputs(model, seed=seed)
        theirs = {
            name: value.astype(onnx.helper.tensor_dtype_to_np_dtype(kinds[name]))
            for name, value in feeds.items()
            if name in kinds
        }
        for expected, found in zip(original.run(None, feeds), other.run(None, theirs), strict=True):
            np.testing.assert_allclose(
                np.asarray(found, np.float64), np.asarray(expected, np.float64), rtol=tolerance, atol=tolerance
            )
