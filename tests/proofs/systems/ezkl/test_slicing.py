"""Slices are cut where one tensor crosses, balanced, and together they are the model."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofgrid.primitives.errors import InvalidField
from proofgrid.proofs.systems.ezkl.model.loading import CheckedModel, load_model
from proofgrid.proofs.systems.ezkl.model.slicing import ModelSlice, slice_model
from tests.proofs.systems.ezkl.models import (
    a_convolutional_model,
    a_model,
    a_residual_model,
    an_mlp,
    node,
    save,
    weights,
)


def run(model: onnx.ModelProto, value: Any) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {session.get_inputs()[0].name: value})[0]


def run_in_turn(slices: list[ModelSlice], value: Any) -> Any:
    for part in slices:
        value = run(part.proto, value)
    return value


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_slices_in_turn_compute_what_the_model_computes(tmp_path: Path, count: int) -> None:
    original = a_convolutional_model()
    model = load_model(save(original, tmp_path / "model"))
    image = np.random.RandomState(1).uniform(-1, 1, (1, 1, 6, 6)).astype(np.float32)

    slices = slice_model(model, count)

    assert len(slices) == count
    np.testing.assert_allclose(run_in_turn(slices, image), run(original, image), rtol=1e-5)


def test_weights_go_with_the_slice_that_uses_them(tmp_path: Path) -> None:
    first, second = slice_model(load_model(save(an_mlp(8, 8, 8), tmp_path / "model")), 2)

    assert [weight.name for weight in first.proto.graph.initializer] == ["w0", "b0"]
    assert [weight.name for weight in second.proto.graph.initializer] == ["w1", "b1"]


def test_a_model_is_not_cut_where_two_tensors_cross(tmp_path: Path) -> None:
    model = load_model(save(a_residual_model(), tmp_path / "model"))

    assert [part.outputs[0].name for part in slice_model(model, 3)] == ["first", "bent", "y"]
    with pytest.raises(InvalidField, match="at most 3 slices") as caught:
        slice_model(model, 4)
    assert caught.value.field == "settings.slices"


def test_what_is_computed_from_weights_alone_goes_into_every_slice_that_needs_it(tmp_path: Path) -> None:
    nodes = [node("Elu", "w", "size"), node("Mul", "x size", "middle"), node("Add", "middle size", "y")]
    model = load_model(save(a_model(nodes, [weights("w", 1, 6)]), tmp_path / "model"))

    slices = slice_model(model, 2)

    assert [[made.op_type for made in part.proto.graph.node] for part in slices] == [["Elu", "Mul"], ["Elu", "Add"]]


def test_a_cut_to_avoid_is_not_used(tmp_path: Path) -> None:
    model = load_model(save(an_mlp(8, 8, 8), tmp_path / "model"))

    assert slice_model(model, 2)[0].outputs[0].name == "dense0"
    assert slice_model(model, 2, without={"dense0"})[0].outputs[0].name == "relu0"


def an_mlp_of(widths: list[int], folder: Path) -> CheckedModel:
    return load_model(save(an_mlp(*widths), folder / "model"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=3, max_size=8), st.integers(2, 4))
def test_no_slice_of_an_mlp_is_heavier_than_average_by_more_than_its_heaviest_layer(
    tmp_path_factory: pytest.TempPathFactory, widths: list[int], count: int
) -> None:
    model = an_mlp_of(widths, tmp_path_factory.mktemp("mlp"))
    layers = [part.cells for part in slice_model(model, 2 * (len(widths) - 1) - 1)]

    slices = slice_model(model, min(count, len(layers)))

    assert sum(part.cells for part in slices) == sum(layers)
    assert max(part.cells for part in slices) <= sum(layers) // len(slices) + max(layers)


def test_auto_makes_more_slices_of_a_larger_model(tmp_path: Path) -> None:
    small, large = an_mlp_of([8, 8, 8, 8], tmp_path), an_mlp_of([32, 32, 32, 32], tmp_path)

    assert len(slice_model(small, None)) == 1
    assert len(slice_model(large, None)) == 2


def test_auto_puts_light_nodes_together_beside_one_that_is_heavy_anyway(tmp_path: Path) -> None:
    model = an_mlp_of([8, 8, 8, 128, 128, 8, 8, 8], tmp_path)

    slices = slice_model(model, None)

    heaviest = max(part.cells for part in slices)
    assert len(slices) < sum(part.cells for part in slices) // 8192
    assert all(one.cells + next_.cells > heaviest for one, next_ in pairwise(slices))


def test_auto_cuts_finer_when_told_how_much_fits(tmp_path: Path) -> None:
    model = an_mlp_of([24, 24, 24, 24, 24], tmp_path)
    pieces = slice_model(model, 7)

    finer = slice_model(model, None, cells_max=max(part.cells for part in pieces))

    assert len(slice_model(model, None)) < len(finer) <= len(pieces)
    assert max(part.cells for part in finer) == max(part.cells for part in pieces)
