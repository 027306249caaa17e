"""Small models that went wrong once: each is computed as ONNX says, or refused with its node and a way out.

The files are those of the issue that asked for it (step 5); forward passes only: there a circuit's function shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from proofgrid.primitives.errors import InvalidProgram
from proofgrid.proofs.systems.ezkl.model.loading import load_model
from tools.operators.grid import agree
from tools.operators.trying import circuit, feeds_of, reference, runtime

CASES = sorted((Path(__file__).parent / "cases").glob("*.onnx"))

#: What cannot be proven at all, and what is said of it.
REFUSED = {"weight_nan": r"node 'y' \(Gemm\): its constant 'w' holds NaN or infinity"}

#: Inputs that are not between -2 and 2.
BETWEEN = {"embedding_int64": (0, 8), "softmax3": (0, 4)}

#: What ONNX's reference evaluator lacks a version of, or reads by the rules of a later opset.
ASK_RUNTIME = {"dq_weights", "softmax_old_default_3d"}


def test_all_cases_are_there() -> None:
    assert len(CASES) == 38


def as_of_opset_21(model: onnx.ModelProto) -> None:
    """Write a GroupNormalization of opset 18, which no evaluator knows: a scale per group became one per channel."""
    model.opset_import[0].version = 21
    for weight in model.graph.initializer:
        weight.CopyFrom(numpy_helper.from_array(np.repeat(numpy_helper.to_array(weight), 2), weight.name))


@pytest.mark.parametrize("path", [path for path in CASES if path.stem not in REFUSED], ids=lambda path: path.stem)
def test_a_case_is_computed_as_onnx_says(path: Path) -> None:
    model = onnx.load(path)
    for value in model.graph.input:
        shape = value.type.tensor_type.shape
        shape.dim[0].dim_value = shape.dim[0].dim_value or 1
    if path.stem == "groupnorm18":
        as_of_opset_21(model)

    low, high = BETWEEN.get(path.stem, (-2, 2))
    feeds = feeds_of(model, low, high)
    says = runtime if path.stem in ASK_RUNTIME else reference

    assert agree(circuit(load_model(path).proto, feeds), [says(model, each) for each in feeds])


@pytest.mark.parametrize("path", [path for path in CASES if path.stem in REFUSED], ids=lambda path: path.stem)
def test_a_case_that_means_nothing_is_refused(path: Path) -> None:
    with pytest.raises(InvalidProgram, match=REFUSED[path.stem]) as caught:
        load_model(path)

    assert caught.value.hint
